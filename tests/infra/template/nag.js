// Hold templates to cdk-nag's AWS Solutions rules, and print what they find as JSON.
// Standard input: {"name": "path of a CloudFormation template, JSON"}.
"use strict";
const fs = require("node:fs");
const { App, Aspects, Stack } = require("aws-cdk-lib");
const { CfnInclude } = require("aws-cdk-lib/cloudformation-include");
const { AwsSolutionsChecks } = require("cdk-nag");

const found = [];
const note = (kind, about) =>
  found.push({ kind, rule: about.ruleId, finding: about.findingId ?? "", resource: about.resource.node.path });
const collector = {
  onCompliance() {},
  onNonCompliance: (about) => note("finding", about),
  onSuppressed: (about) => note("suppressed", about),
  onError: (about) => note("error", about),
  onSuppressedError: (about) => note("error", about),
  onNotApplicable() {},
};

const app = new App({ outdir: process.argv[2] });
for (const [name, templateFile] of Object.entries(JSON.parse(fs.readFileSync(0, "utf8")))) {
  new CfnInclude(new Stack(app, name), "T", { templateFile });
}
Aspects.of(app).add(new AwsSolutionsChecks({ additionalLoggers: [collector] }));
app.synth();
process.stdout.write(JSON.stringify(found));
