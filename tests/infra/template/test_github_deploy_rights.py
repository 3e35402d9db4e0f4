"""CloudFormation's role, held to what AWS needs for each type of resource that our templates have.

By hand from the handlers' permissions in AWS's own schemas of the types, without those for properties that we do not
set: https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html. Where AWS cannot hold an
action to a resource the row says "*", by https://docs.aws.amazon.com/service-authorization/latest/reference/.
"""

from fnmatch import fnmatchcase

import pytest

from local.checkout import ROOT
from local.translation import translate
from tests.infra.template.deployed import Stack, Template
from tests.infra.template.test_github_deploy import GIVEN

_HERE = "us-east-1:111122223333"
ALARM = f"arn:aws:cloudwatch:{_HERE}:alarm:codereview-prod-page"
DASHBOARD = "arn:aws:cloudwatch::111122223333:dashboard/codereview-prod"
APPLICATION = f"arn:aws:codedeploy:{_HERE}:application:codereview-prod-ServerlessDeploymentApplication-1"
GROUP = f"arn:aws:codedeploy:{_HERE}:deploymentgroup:codereview-prod-ServerlessDeploymentApplication-1/WebhookGroup"
TABLE = f"arn:aws:dynamodb:{_HERE}:table/codereview-prod-ControlTable-1"
RULE = f"arn:aws:events:{_HERE}:rule/codereview-prod-ReconcilerFunctionEveryMinute-1"
ROLE = "arn:aws:iam::111122223333:role/codereview-prod-WebhookRole-1"
POLICY = "arn:aws:iam::111122223333:policy/codereview-prod-Policies-1-LookingPolicy-1"
LINKED = "arn:aws:iam::111122223333:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS"
FUNCTION = f"arn:aws:lambda:{_HERE}:function:codereview-prod-webhook"
ALIAS = f"{FUNCTION}:live"
LAYER = f"arn:aws:lambda:{_HERE}:layer:codereview-prod-core"
LOG = f"arn:aws:logs:{_HERE}:log-group:/aws/lambda/codereview-prod-webhook"
BUCKET = "arn:aws:s3:::codereview-prod-objectsbucket-1"
ARTIFACT = f"arn:aws:s3:::{GIVEN['ArtifactsBucket']}/codereview-prod/1234"
TOPIC = f"arn:aws:sns:{_HERE}:codereview-prod-notifications"
QUEUE = f"arn:aws:sqs:{_HERE}:codereview-prod-reviews"
DOCUMENT = f"arn:aws:ssm:{_HERE}:document/codereview-prod-redrive"
SECRET = f"arn:aws:secretsmanager:{_HERE}:secret:WebhookSecret-1"
NESTED = f"arn:aws:cloudformation:{_HERE}:stack/codereview-prod-Alarms-1/2"
TRANSFORM = "arn:aws:cloudformation:us-east-1:aws:transform/Serverless-2016-10-31"

# Actions by what they are done to.
NEEDED: dict[str, dict[str, str]] = {
    "AWS::ApiGatewayV2::Api": {"*": "apigateway:DELETE GET PATCH POST PUT"},
    "AWS::ApiGatewayV2::Stage": {
        "*": "apigateway:DELETE GET PATCH POST TagResource; logs:CreateLogDelivery GetLogDelivery UpdateLogDelivery "
        "DeleteLogDelivery ListLogDeliveries PutResourcePolicy DescribeResourcePolicies DescribeLogGroups"
    },
    "AWS::Chatbot::SlackChannelConfiguration": {
        "*": "chatbot:CreateSlackChannelConfiguration DescribeSlackChannelConfigurations "
        "UpdateSlackChannelConfiguration DeleteSlackChannelConfiguration ListTagsForResource TagResource",
        ROLE: "iam:PassRole",
        LINKED.replace("rds.amazonaws.com", "management.chatbot.amazonaws.com"): "iam:CreateServiceLinkedRole",
    },
    "AWS::CloudFormation::Stack": {NESTED: "cloudformation:CreateStack DeleteStack DescribeStacks UpdateStack"},
    "AWS::CloudWatch::Alarm": {
        ALARM: "cloudwatch:PutMetricAlarm DeleteAlarms ListTagsForResource TagResource UntagResource",
        "*": "cloudwatch:DescribeAlarms",
    },
    "AWS::CloudWatch::CompositeAlarm": {
        ALARM: "cloudwatch:DeleteAlarms ListTagsForResource TagResource UntagResource",
        "*": "cloudwatch:DescribeAlarms PutCompositeAlarm",
    },
    "AWS::CloudWatch::Dashboard": {DASHBOARD: "cloudwatch:PutDashboard GetDashboard DeleteDashboards"},
    "AWS::CodeDeploy::Application": {
        APPLICATION: "codedeploy:CreateApplication GetApplication DeleteApplication ListTagsForResource TagResource"
    },
    "AWS::CodeDeploy::DeploymentGroup": {
        GROUP: "codedeploy:CreateDeploymentGroup GetDeploymentGroup UpdateDeploymentGroup "
        "DeleteDeploymentGroup TagResource",
        ROLE: "iam:PassRole",
    },
    "AWS::DynamoDB::Table": {
        TABLE: "dynamodb:CreateTable DeleteTable DescribeTable UpdateTable DescribeContinuousBackups "
        "UpdateContinuousBackups DescribeTimeToLive UpdateTimeToLive DescribeContributorInsights ListTagsOfResource "
        "TagResource UntagResource DescribeKinesisStreamingDestination GetResourcePolicy"
    },
    "AWS::EC2::RouteTable": {"*": "ec2:CreateRouteTable DeleteRouteTable DescribeRouteTables CreateTags DeleteTags"},
    "AWS::EC2::SecurityGroup": {
        "*": "ec2:CreateSecurityGroup DeleteSecurityGroup DescribeSecurityGroups AuthorizeSecurityGroupIngress "
        "AuthorizeSecurityGroupEgress RevokeSecurityGroupIngress RevokeSecurityGroupEgress"
    },
    "AWS::EC2::SecurityGroupEgress": {
        "*": "ec2:AuthorizeSecurityGroupEgress RevokeSecurityGroupEgress DescribeSecurityGroupRules"
    },
    "AWS::EC2::Subnet": {
        "*": "ec2:CreateSubnet DeleteSubnet DescribeSubnets ModifySubnetAttribute DescribeNetworkAcls"
    },
    "AWS::EC2::SubnetRouteTableAssociation": {
        "*": "ec2:AssociateRouteTable DisassociateRouteTable ReplaceRouteTableAssociation"
    },
    "AWS::EC2::VPC": {"*": "ec2:CreateVpc DeleteVpc DescribeVpcs DescribeVpcAttribute ModifyVpcAttribute"},
    "AWS::EC2::VPCEndpoint": {"*": "ec2:CreateVpcEndpoint DeleteVpcEndpoints DescribeVpcEndpoints ModifyVpcEndpoint"},
    "AWS::Events::Rule": {
        RULE: "events:PutRule DeleteRule DescribeRule PutTargets RemoveTargets ListTargetsByRule TagResource"
    },
    "AWS::IAM::ManagedPolicy": {
        POLICY: "iam:CreatePolicy DeletePolicy GetPolicy GetPolicyVersion CreatePolicyVersion DeletePolicyVersion "
        "ListPolicyVersions ListEntitiesForPolicy"
    },
    "AWS::IAM::Role": {
        ROLE: "iam:CreateRole DeleteRole GetRole UpdateRole UpdateAssumeRolePolicy PutRolePolicy GetRolePolicy "
        "DeleteRolePolicy ListRolePolicies ListAttachedRolePolicies TagRole UntagRole"
    },
    "AWS::Lambda::Alias": {
        ALIAS: "lambda:CreateAlias DeleteAlias GetAlias UpdateAlias",
        GROUP: "codedeploy:CreateDeployment GetDeployment StopDeployment",
        "*": "codedeploy:GetDeploymentConfig",
    },
    "AWS::Lambda::EventInvokeConfig": {
        ALIAS: "lambda:PutFunctionEventInvokeConfig GetFunctionEventInvokeConfig UpdateFunctionEventInvokeConfig "
        "DeleteFunctionEventInvokeConfig"
    },
    "AWS::Lambda::EventSourceMapping": {
        "*": "lambda:CreateEventSourceMapping DeleteEventSourceMapping GetEventSourceMapping UpdateEventSourceMapping "
        "ListTags TagResource UntagResource"
    },
    "AWS::Lambda::Function": {
        FUNCTION: "lambda:CreateFunction DeleteFunction GetFunction UpdateFunctionCode UpdateFunctionConfiguration "
        "TagResource UntagResource GetFunctionCodeSigningConfig GetRuntimeManagementConfig GetFunctionRecursionConfig",
        f"{LAYER}:17": "lambda:GetLayerVersion",
        ROLE: "iam:PassRole",
        ARTIFACT: "s3:GetObject",
        "*": "ec2:DescribeSecurityGroups DescribeSubnets DescribeVpcs DescribeNetworkInterfaces",
    },
    "AWS::Lambda::LayerVersion": {
        LAYER: "lambda:PublishLayerVersion",
        f"{LAYER}:17": "lambda:GetLayerVersion DeleteLayerVersion",
        ARTIFACT: "s3:GetObject",
    },
    "AWS::Lambda::Permission": {ALIAS: "lambda:AddPermission RemovePermission GetPolicy"},
    "AWS::Lambda::Version": {
        FUNCTION: "lambda:PublishVersion ListVersionsByFunction",
        f"{FUNCTION}:17": "lambda:GetFunctionConfiguration DeleteFunction GetProvisionedConcurrencyConfig",
    },
    "AWS::Logs::LogGroup": {
        LOG: "logs:CreateLogGroup DeleteLogGroup PutRetentionPolicy DeleteRetentionPolicy ListTagsForResource "
        "TagResource UntagResource GetDataProtectionPolicy DescribeIndexPolicies",
        "*": "logs:DescribeLogGroups DescribeResourcePolicies",
    },
    "AWS::Logs::QueryDefinition": {"*": "logs:PutQueryDefinition DeleteQueryDefinition DescribeQueryDefinitions"},
    "AWS::RDS::DBCluster": {
        "*": "rds:CreateDBCluster DeleteDBCluster DescribeDBClusters ModifyDBCluster CreateDBClusterSnapshot "
        "AddTagsToResource DescribeDBSubnetGroups DescribeEvents; ec2:DescribeSecurityGroups",
        LINKED: "iam:CreateServiceLinkedRole",
    },
    "AWS::RDS::DBClusterParameterGroup": {
        "*": "rds:CreateDBClusterParameterGroup DeleteDBClusterParameterGroup DescribeDBClusterParameterGroups "
        "DescribeDBClusterParameters ModifyDBClusterParameterGroup ListTagsForResource"
    },
    "AWS::RDS::DBInstance": {
        "*": "rds:CreateDBInstance DeleteDBInstance DescribeDBInstances ModifyDBInstance DescribeDBEngineVersions; "
        "ec2:DescribeAccountAttributes DescribeAvailabilityZones DescribeInternetGateways DescribeVpcAttribute"
    },
    "AWS::RDS::DBSubnetGroup": {
        "*": "rds:CreateDBSubnetGroup DeleteDBSubnetGroup DescribeDBSubnetGroups "
        "ModifyDBSubnetGroup ListTagsForResource"
    },
    "AWS::S3::Bucket": {
        BUCKET: "s3:CreateBucket DeleteBucket ListBucket PutBucketVersioning PutEncryptionConfiguration "
        "PutBucketTagging PutLifecycleConfiguration PutBucketOwnershipControls PutBucketPublicAccessBlock "
        "GetBucketVersioning"
    },
    "AWS::S3::BucketPolicy": {BUCKET: "s3:PutBucketPolicy GetBucketPolicy DeleteBucketPolicy"},
    "AWS::SNS::Subscription": {
        TOPIC: "sns:Subscribe",
        "*": "sns:GetSubscriptionAttributes SetSubscriptionAttributes Unsubscribe",
    },
    "AWS::SNS::Topic": {
        TOPIC: "sns:CreateTopic DeleteTopic GetTopicAttributes SetTopicAttributes GetDataProtectionPolicy "
        "ListSubscriptionsByTopic ListTagsForResource TagResource UntagResource"
    },
    "AWS::SNS::TopicPolicy": {TOPIC: "sns:SetTopicAttributes"},
    "AWS::SQS::Queue": {
        QUEUE: "sqs:CreateQueue DeleteQueue GetQueueAttributes GetQueueUrl SetQueueAttributes ListQueueTags TagQueue"
    },
    "AWS::SQS::QueuePolicy": {QUEUE: "sqs:SetQueueAttributes"},
    "AWS::SSM::Document": {
        DOCUMENT: "ssm:CreateDocument DeleteDocument DescribeDocument GetDocument UpdateDocument "
        "UpdateDocumentDefaultVersion AddTagsToResource ListTagsForResource RemoveTagsFromResource",
        ROLE: "iam:PassRole",
    },
    "AWS::SecretsManager::Secret": {
        SECRET: "secretsmanager:CreateSecret DeleteSecret DescribeSecret UpdateSecret TagResource UntagResource",
        "*": "secretsmanager:GetRandomPassword",
    },
    "Custom::Migrations": {ALIAS: "lambda:InvokeFunction"},
    "AWS::Serverless": {TRANSFORM: "cloudformation:CreateChangeSet"},  # a role of CloudFormation's has to be let, too
}
BY_A_PERSON = {"infra/github-deploy.yaml"}


@pytest.fixture(scope="module")
def stack() -> Stack:
    name = "infra/github-deploy.yaml"
    return Stack(translate({name: (ROOT / name).read_text()}, {})[name], GIVEN)


def wanted(actions: str) -> list[str]:
    """Write each action with its service: "a:X Y; b:Z" are a:X, a:Y and b:Z."""
    pairs = [group.strip().split(":", 1) for group in actions.split(";")]
    return [f"{service}:{action}" for service, names in pairs for action in names.split()]


def is_allowed(stack: Stack, action: str, resource: str) -> bool:
    """Whether the role may do it; an action that AWS cannot hold to a resource needs a statement about all of them."""

    def matches(effect: str) -> bool:
        return any(
            statement["Effect"] == effect
            and any(fnmatchcase(action, pattern) for pattern in statement["Action"])
            and any(fnmatchcase(resource, pattern) for pattern in statement["Resource"])
            for statement in stack.statements("CloudFormationRole")
        )

    return matches("Allow") and not matches("Deny")


def test_every_type_of_our_templates_has_its_row_and_no_other_has(templates: dict[str, Template]) -> None:
    there = {
        resource["Type"]
        for name, template in templates.items()
        if name not in BY_A_PERSON
        for resource in template["Resources"].values()
    }
    assert set(NEEDED) - {"AWS::Serverless"} == there


@pytest.mark.parametrize("kind", NEEDED)
def test_cloudformation_may_do_what_a_type_needs(stack: Stack, kind: str) -> None:
    refused = [
        (action, resource)
        for resource, actions in NEEDED[kind].items()
        for action in wanted(actions)
        if not is_allowed(stack, action, resource)
    ]
    assert not refused


def test_services_are_handed_the_roles_that_they_take(stack: Stack) -> None:
    statements = {each["Sid"]: each for each in stack.statements("CloudFormationRole")}
    handed = statements["HandRolesOn"]["Condition"]["StringEquals"]["iam:PassedToService"]
    assert set(handed) == {f"{name}.amazonaws.com" for name in ("chatbot", "codedeploy", "lambda", "ssm")}
    linked = statements["MakeServicesRoles"]["Condition"]["StringEquals"]["iam:AWSServiceName"]
    assert set(linked) == {"management.chatbot.amazonaws.com", "rds.amazonaws.com"}


def test_a_service_without_regions_is_held_to_none(stack: Stack) -> None:
    for statement in stack.statements("CloudFormationRole"):
        if any(action.startswith("chatbot:") for action in statement["Action"]):
            assert "Condition" not in statement


def test_neither_the_role_nor_another_stacks_is_in_reach(stack: Stack) -> None:
    for name in (
        "codereview-prod-cloudformation",
        "codereview-prod-github",
        "codereview-staging-WebhookRole-1",
        "admin",
    ):
        assert not is_allowed(stack, "iam:PutRolePolicy", f"arn:aws:iam::111122223333:role/{name}"), name
    assert not is_allowed(stack, "secretsmanager:GetSecretValue", SECRET)
    assert not is_allowed(stack, "sqs:DeleteQueue", QUEUE.replace("prod", "staging"))
