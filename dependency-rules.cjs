const { Visitor } = require("@swc/core/Visitor.js");

// The visitor of this swc does not know `await using` and would give up on the file.
const visitStatement = Visitor.prototype.visitStatement;
Visitor.prototype.visitStatement = function (statement) {
  if (statement.type !== "UsingDeclaration") return visitStatement.call(this, statement);
  statement.decls = this.visitVariableDeclarators(statement.decls);
  return statement;
};

/**
 * Who may import whom (ARCHITECTURE.md). `hack/planted-violations.ts` proves that each kind of violation is caught.
 */
const allowed = {
  errors: [],
  owners: ["errors"],
  linux: ["owners"],
  oci: [],
  api: ["errors", "oci"],
  containerd: ["errors", "owners", "oci"],
  "plugin-sdk": ["errors", "owners", "oci", "api"],
  files: ["errors", "owners", "linux"],
  engine: ["errors", "owners", "oci", "linux", "containerd", "files", "plugin-sdk", "api"],
  "http-server": ["errors", "owners", "api", "engine"],
  cri: ["errors", "owners", "oci", "engine"],
  cli: ["errors", "owners", "api", "plugin-sdk", "files"],
  pouchd: ["errors", "owners", "oci", "linux", "api", "containerd", "files", "plugin-sdk", "engine", "http-server", "cri"],
};

const packages = Object.keys(allowed);

module.exports = {
  forbidden: [
    ...packages.map((name) => ({
      name: `${name}-imports`,
      comment: `${name} may import ${allowed[name].join(", ") || "no other package"} of ours`,
      severity: "error",
      from: { path: `^packages/${name}/` },
      to: { path: "^packages/([^/]+)/", pathNot: `^packages/(${[name, ...allowed[name]].join("|")})/` },
    })),
    {
      name: "index-only",
      comment: "other packages are entered through their index (or a sub-path the package exports)",
      severity: "error",
      from: { path: "^packages/([^/]+)/" },
      to: {
        path: "^packages/([^/]+)/src/",
        pathNot:
          "^packages/($1)/|/src/index\\.ts$|^packages/plugin-sdk/src/(testing|template|host)/index\\.ts$|^packages/files/src/(worker|ignore)/index\\.ts$",
      },
    },
    {
      name: "containers-files-through-workers",
      comment: "paths of a container's files are followed by file workers alone (docs/adr/0007): never by node:fs in the daemon",
      severity: "error",
      from: { path: "^packages/engine/src/containers/(archive/|changes|update-container)" },
      to: { path: "^(node:)?fs(/promises)?$" },
    },
    {
      name: "cli-has-no-work-on-containers-files",
      comment: "the client reads a .dockerignore by the same rules as the daemon, and has nothing else to do with its files",
      severity: "error",
      from: { path: "^packages/cli/" },
      to: { path: "^packages/files/", pathNot: "^packages/files/src/ignore/index\\.ts$" },
    },
    {
      name: "plugins-import-the-sdk-only",
      comment: "a plugin is written against @pouchcontainer/plugin-sdk, like any plugin outside this repository",
      severity: "error",
      from: { path: "^hookplugins/" },
      to: { path: "^packages/", pathNot: "^packages/plugin-sdk/src/" },
    },
    {
      name: "grpc-only-in-containerd-and-cri",
      severity: "error",
      from: { path: "^packages/", pathNot: "^packages/(containerd|cri)/" },
      to: { path: "node_modules/(@bufbuild|@connectrpc|@grpc|protobufjs)", pathNot: "node_modules/@bufbuild/(cel|re2)/" },
    },
    {
      name: "cel-only-in-policies",
      comment: "rules are evaluated within bounds (docs/adr/0015), which CEL by itself has not",
      severity: "error",
      from: { path: "^packages/", pathNot: "^packages/engine/src/plugin-host/policies/" },
      to: { path: "node_modules/@bufbuild/(cel|re2)/" },
    },
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
  ],
  options: {
    parser: "swc",
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(/gen/|^build/|^bin/)" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
      extensions: [".ts", ".js", ".mjs"],
    },
  },
};
