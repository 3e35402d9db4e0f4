"""The isolated network, the database in it, and that neither costs anything while nobody pushes."""

from typing import Any

from tests.infra.template.deployed import Stack, Template, target

NETWORK_TYPES = {
    "AWS::EC2::VPC",
    "AWS::EC2::Subnet",
    "AWS::EC2::RouteTable",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPCEndpoint",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::SecurityGroupEgress",
}
NOWHERE = [{"IpProtocol": "-1", "CidrIp": "127.0.0.1/32", "Description": "Nowhere"}]


def test_the_network_has_no_way_out_and_nothing_that_bills_by_the_hour(network: Stack) -> None:
    assert network.types() == NETWORK_TYPES
    endpoints = network.of_type("AWS::EC2::VPCEndpoint").values()
    assert {each["VpcEndpointType"] for each in endpoints} == {"Gateway"}
    assert {each["ServiceName"] for each in endpoints} == {
        "com.amazonaws.us-east-1.s3",
        "com.amazonaws.us-east-1.dynamodb",
    }


def test_no_stack_has_a_nat_a_proxy_or_an_internet_gateway(templates: dict[str, Template]) -> None:
    types = {resource["Type"] for template in templates.values() for resource in template["Resources"].values()}
    assert not types & {
        "AWS::EC2::NatGateway",
        "AWS::EC2::InternetGateway",
        "AWS::EC2::EIP",
        "AWS::EC2::Route",
        "AWS::RDS::DBProxy",
    }


def test_the_analyzer_reaches_nothing_and_nothing_reaches_it(network: Stack) -> None:
    group = network.properties("AnalyzerSecurityGroup")
    assert group["SecurityGroupEgress"] == NOWHERE
    assert "SecurityGroupIngress" not in group
    for rule in _rules_outside_groups(network):
        assert "AnalyzerSecurityGroup" not in {target(rule["GroupId"]), target(rule["DestinationSecurityGroupId"])}


def test_the_database_is_reached_by_its_functions_only_and_reaches_nothing(network: Stack) -> None:
    group = network.properties("DatabaseSecurityGroup")
    assert group["SecurityGroupEgress"] == NOWHERE
    (rule,) = group["SecurityGroupIngress"]
    assert target(rule["SourceSecurityGroupId"]) == "DatabaseFunctionsSecurityGroup"
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 5432, 5432)


def test_the_databases_functions_reach_it_and_the_two_gateways_only(network: Stack) -> None:
    group = network.properties("DatabaseFunctionsSecurityGroup")
    assert "SecurityGroupIngress" not in group
    by_prefix_list = {target(rule["DestinationPrefixListId"]) for rule in group["SecurityGroupEgress"]}
    assert by_prefix_list == {"S3PrefixListId", "DynamoDBPrefixListId"}
    assert {(rule["FromPort"], rule["ToPort"]) for rule in group["SecurityGroupEgress"]} == {(443, 443)}
    (rule,) = _rules_outside_groups(network)
    assert target(rule["GroupId"]) == "DatabaseFunctionsSecurityGroup"
    assert target(rule["DestinationSecurityGroupId"]) == "DatabaseSecurityGroup"
    assert (rule["FromPort"], rule["ToPort"]) == (5432, 5432)


def test_the_endpoints_lead_to_our_stores_only(network: Stack) -> None:
    for endpoint in network.of_type("AWS::EC2::VPCEndpoint").values():
        for statement in endpoint["PolicyDocument"]["Statement"]:
            assert "*" not in statement["Resource"]
            assert not [action for action in statement["Action"] if "*" in action]


def test_a_developers_machine_has_neither_network_nor_cluster(local_system: Stack, system: Stack) -> None:
    nested = "AWS::CloudFormation::Stack"
    assert {"Network", "Database"} <= set(system.of_type(nested))
    assert set(local_system.of_type(nested)) == {"Policies"}
    variables = local_system.properties("RecorderFunction")["Environment"]["Variables"]
    assert (variables["DATABASE_HOST"], variables["DATABASE_SSLMODE"]) == ("127.0.0.1", "disable")


def test_nested_stacks_get_the_parameters_that_they_have(system: Stack, templates: dict[str, Template]) -> None:
    for name, properties in system.of_type("AWS::CloudFormation::Stack").items():
        declared = templates[f"infra/{name.lower()}.yaml"]["Parameters"]
        required = {key for key, parameter in declared.items() if "Default" not in parameter}
        assert required <= set(properties["Parameters"]) <= set(declared)


# --- the database


def test_the_cluster_pauses_and_nothing_keeps_it_awake(database: Stack) -> None:
    cluster, writer = database.properties("Cluster"), database.properties("Writer")
    scaling = cluster["ServerlessV2ScalingConfiguration"]
    assert (scaling["MinCapacity"], scaling["SecondsUntilAutoPause"]) == (0, 300)
    assert writer["DBInstanceClass"] == "db.serverless"
    assert len(database.of_type("AWS::RDS::DBInstance")) == 1
    for properties in (cluster, writer):
        assert not {
            "EnablePerformanceInsights",
            "PerformanceInsightsEnabled",
            "MonitoringInterval",
            "EnableCloudwatchLogsExports",
            "DatabaseInsightsMode",
        } & set(properties)


def test_nobody_signs_in_with_a_password_or_without_tls(database: Stack) -> None:
    cluster = database.properties("Cluster")
    assert cluster["MasterUserAuthenticationType"] == "iam-db-auth"
    assert cluster["EnableIAMDatabaseAuthentication"] is True
    assert not {"MasterUserPassword", "ManageMasterUserPassword", "MasterUserSecret"} & set(cluster)
    assert (cluster["MasterUsername"], cluster["DatabaseName"]) == ("codereview_owner", "codereview")
    assert cluster["StorageEncrypted"] is True
    parameters = database.properties("ClusterParameters")["Parameters"]
    assert parameters["rds.force_ssl"] == "1"
    # A forgotten connection may not keep the cluster awake for longer than it would stay so by itself.
    assert int(parameters["idle_session_timeout"]) <= 300_000


def test_the_database_has_the_fixes_of_row_level_security(database: Stack) -> None:
    first_fixed = {15: 14, 16: 10, 17: 6}
    cluster = database.properties("Cluster")
    major, minor = map(int, cluster["EngineVersion"].split("."))
    assert minor >= first_fixed[major]
    assert database.properties("ClusterParameters")["Family"] == f"aurora-postgresql{major}"


def test_the_record_survives_a_mistake(database: Stack, templates: dict[str, Template]) -> None:
    cluster: Any = database.resources["Cluster"]
    assert (cluster["DeletionPolicy"], cluster["UpdateReplacePolicy"]) == ("Snapshot", "Snapshot")
    assert cluster["Properties"]["DeletionProtection"] is True
    assert cluster["Properties"]["BackupRetentionPeriod"] >= 7
    in_dev = Stack(templates["infra/database.yaml"], {"Stage": "dev"})
    assert in_dev.properties("Cluster")["DeletionProtection"] is False


def _rules_outside_groups(network: Stack) -> list[dict[str, Any]]:
    return list(network.of_type("AWS::EC2::SecurityGroupEgress").values())
