/**
 * Rules of this repository that no linter brings, loaded by oxlint (`jsPlugins`): what fails without a caller has an owner that hears
 * of it (packages/owners), nothing from outside takes the event loop for itself, no name from outside gets at what every object has,
 * no test judges by a clock, and none has a subnet or a name of the machine that another could have.
 * `hack/planted-lint-violations.ts` proves that each of them catches.
 */
import { relative } from "node:path";

/** As much of a syntax tree as the rules look at. */
interface Node {
  type: string;
  [member: string]: unknown;
}

interface Context {
  filename: string;
  cwd: string;
  report(finding: { node: Node; message: string }): void;
}

type Visitor = Record<string, (node: Node) => void>;

interface OwnedModule {
  /** What must not be taken from it; all of it where absent. */
  names?: readonly string[];
  instead: string;
  /** Files that are owners themselves. */
  owners: readonly string[];
}

const ownersRoom = "packages/owners/";

/** Modules of Node that make what fails by an event, and who may use them. */
const ownedModules: Record<string, OwnedModule> = {
  child_process: {
    instead: "runProgram or startProgram of @pouchcontainer/owners",
    owners: [ownersRoom],
  },
  dgram: { instead: "DatagramSocket of @pouchcontainer/owners", owners: [ownersRoom] },
  net: {
    names: ["connect", "createConnection", "createServer", "Server"],
    instead: "openConnection or ConnectionServer of @pouchcontainer/owners",
    owners: [
      ownersRoom,
      // Hands the socket to an HTTP/2 session, which owns it.
      "packages/containerd/src/grpc/connection.ts",
      // Hands connections to HTTP/2 sessions, which own them.
      "packages/cri/src/wire/cri-server.ts",
      // Owned at once; the connection is under way when it is handed out, which openConnection waits for.
      "packages/engine/src/networks/dns/query-sockets.ts",
    ],
  },
  tls: { names: ["connect", "createServer"], instead: "HttpServer of @pouchcontainer/http-server", owners: [] },
  http: {
    names: ["createServer", "Server"],
    instead: "HttpServer of @pouchcontainer/http-server",
    owners: [
      "packages/http-server/src/http-server.ts",
      "packages/plugin-sdk/src/wire/wire-server.ts",
      // Takes upgrades only, and knows its connections after them.
      "packages/cri/src/streaming/http-listener.ts",
    ],
  },
  https: {
    names: ["createServer", "Server"],
    instead: "HttpServer of @pouchcontainer/http-server",
    owners: ["packages/http-server/src/http-server.ts", "packages/cri/src/streaming/http-listener.ts"],
  },
  http2: {
    names: ["createServer", "createSecureServer"],
    instead: "HttpServer of @pouchcontainer/http-server",
    owners: ["packages/cri/src/wire/cri-server.ts"],
  },
};

/** Rooms that serve requests and have nothing to do with files that could not wait. */
const asynchronousRooms = [
  "packages/http-server/src/handlers/",
  "packages/engine/src/events/",
  "packages/engine/src/exec/",
  "packages/engine/src/images/",
  "packages/engine/src/containers/archive/",
];

/** Work without a bound on the event loop, in any room of the daemon. */
const heavyCalls = new Set([
  "execSync",
  "execFileSync",
  "spawnSync",
  "cpSync",
  "globSync",
  "gzipSync",
  "gunzipSync",
  "deflateSync",
  "inflateSync",
  "unzipSync",
  "brotliCompressSync",
  "brotliDecompressSync",
  "zstdCompressSync",
  "zstdDecompressSync",
  "scryptSync",
  "pbkdf2Sync",
]);

/** Tests and what they are made of fail where their author sees it. */
const isTest = (file: string): boolean => /\.test\.ts$|\/(testing|conformance)\/|\/(fake|freezing)-[\w-]+\.ts$/.test(file);
/** Files that the daemon is made of, as paths from the repository's root. The command line does one thing, and ends with its failure. */
const isDaemon = (file: string): boolean => file.startsWith("packages/") && !file.startsWith("packages/cli/") && !isTest(file);

function rule(applies: (file: string) => boolean, visitor: (report: Context["report"], file: string) => Visitor) {
  return {
    create(context: Context): Visitor {
      const file = relative(context.cwd, context.filename);
      return applies(file) ? visitor((finding) => context.report(finding), file) : {};
    },
  };
}

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && "type" in value;
const textOf = (node: unknown): unknown => (isNode(node) && node.type === "Literal" ? node["value"] : undefined);
const nameOf = (node: unknown): unknown => (isNode(node) && node.type === "Identifier" ? node["name"] : undefined);

/** The method that is called on something, and its arguments. */
function methodCall(node: Node): { name: unknown; args: Node[] } | undefined {
  const { callee, arguments: args } = node;
  if (!isNode(callee) || callee.type !== "MemberExpression") return undefined;
  // Arguments of a call expression are nodes.
  return { name: nameOf(callee["property"]), args: args as Node[] };
}

function* below(value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const item of value) yield* below(item);
  if (!isNode(value)) return;
  yield value;
  for (const [member, inner] of Object.entries(value)) if (member !== "parent") yield* below(inner);
}

const unheard = rule(isDaemon, (report, file) => {
  /** What a module that was imported as a whole is called here. */
  const wholes = new Map<unknown, OwnedModule>();
  const ownedBy = (specifier: unknown): OwnedModule | undefined => {
    const owned = typeof specifier === "string" ? ownedModules[specifier.replace(/^node:/, "")] : undefined;
    return owned?.owners.some((owner) => file.startsWith(owner)) === true ? undefined : owned;
  };
  const isForOwners = ({ names }: OwnedModule, name: unknown): boolean => names === undefined || names.includes(String(name));
  const tell = (node: Node, { instead }: OwnedModule): void =>
    report({ node, message: `What this makes fails by an event, and is for owners (hack/lint-rules.ts): use ${instead}.` });
  return {
    ImportDeclaration(node) {
      const owned = ownedBy(textOf(node["source"]));
      if (owned === undefined || node["importKind"] === "type") return;
      // Specifiers of an import declaration are nodes.
      for (const one of node["specifiers"] as Node[]) {
        if (one["importKind"] === "type") continue;
        if (one.type !== "ImportSpecifier") wholes.set(nameOf(one["local"]), owned);
        else if (isForOwners(owned, nameOf(one["imported"]))) tell(node, owned);
      }
    },
    ImportExpression(node) {
      const owned = ownedBy(textOf(node["source"]));
      if (owned !== undefined) tell(node, owned);
    },
    MemberExpression(node) {
      const owned = wholes.get(nameOf(node["object"]));
      if (owned !== undefined && isForOwners(owned, nameOf(node["property"]))) tell(node, owned);
    },
    CallExpression(node) {
      const call = methodCall(node);
      const owned = call?.name === "getBuiltinModule" ? ownedBy(textOf(call.args[0])) : undefined;
      if (owned !== undefined) tell(node, owned);
    },
  };
});

const noBarePipe = rule(isDaemon, (report) => ({
  CallExpression(node) {
    if (methodCall(node)?.name === "pipe")
      report({
        node,
        message: "A pipe hears no error of either side: use pipeline of node:stream/promises, or joinConnections.",
      });
  },
}));

const hearsErrors = rule(isDaemon, (report) => ({
  NewExpression(node) {
    if (nameOf(node["callee"]) !== "Promise") return;
    const listened = [...below(node["arguments"])].flatMap((inner) => {
      const call = inner.type === "CallExpression" ? methodCall(inner) : undefined;
      return call !== undefined && ["on", "once", "addListener"].includes(String(call.name)) ? [textOf(call.args[0])] : [];
    });
    if (
      ["data", "end", "finish", "drain", "readable"].some((event) => listened.includes(event)) &&
      !listened.some((event) => event === "error" || event === "close")
    )
      report({
        node,
        message:
          "This promise waits for a stream and never settles when that fails: use node:stream/consumers, pipeline, or hear `error`.",
      });
  },
}));

const nothingSynchronous = rule(isDaemon, (report, file) => {
  const strict = asynchronousRooms.some((room) => file.startsWith(room));
  return {
    CallExpression(node) {
      const name = String(methodCall(node)?.name ?? nameOf(node["callee"]));
      if (heavyCalls.has(name) || (strict && /^[a-z]\w*Sync$/.test(name)))
        report({ node, message: `${name} holds up every request until it is done: use its asynchronous form.` });
    },
  };
});

const noVoid = rule(isDaemon, (report) => ({
  UnaryExpression(node) {
    if (node["operator"] === "void")
      report({
        node,
        message:
          "A promise nobody waits for needs an owner: inBackground of @pouchcontainer/owners. For what is no promise write a block.",
      });
  },
}));

/** Patterns put together from parts of our own. */
const ownPatterns = [
  "packages/engine/src/linear-pattern.ts",
  "packages/engine/src/containers/spec/host-facts.ts",
  "packages/engine/src/registry/challenge.ts",
  "packages/engine/src/networks/linux/nft-shell.ts",
  "packages/oci/src/reference.ts",
  "packages/api/src/credentials.ts",
  // Of the API's schemas.
  "packages/api/src/decode.ts",
];

const noForeignPattern = rule(isDaemon, (report, file) => ({
  NewExpression(node) {
    // Arguments of a new expression are nodes.
    const [pattern] = node["arguments"] as Node[];
    if (nameOf(node["callee"]) === "RegExp" && textOf(pattern) === undefined && !ownPatterns.includes(file))
      report({ node, message: "A pattern that somebody else wrote may never end: use linearPattern of the engine." });
  },
}));

/** An unbounded repeat at the beginning of a pattern, and after it something that may be missing. */
const leadingRepeat =
  /^(?:\((?:\?:)?)*(?:\\[pP]\{[^}]*\}|\\.|\[(?:\\.|[^\\\]])*\]|[^\\^$*+?()[\]{}|])(?:[+*]|\{\d+,\})\??(?!\)*$)/;

const noQuadraticPattern = rule(isDaemon, (report) => ({
  Literal(node) {
    // Of a literal that is a regular expression.
    const regex = node["regex"] as { pattern: string; flags: string } | undefined;
    if (regex !== undefined && !regex.flags.includes("y") && leadingRepeat.test(regex.pattern))
      report({
        node,
        message:
          "In a long run of what it repeats this is tried from every place to the end, in the square of its length: let it begin with ^ or (?<!…), or make it sticky.",
      });
  },
}));

const isOfNoFixedName = (node: unknown): boolean =>
  isNode(node) && node.type === "MemberExpression" && node["computed"] === true && textOf(node["property"]) === undefined;

/** What is the key here is a symbol of our own. */
const symbolKeys = ["packages/plugin-sdk/src/registration.ts"];

const noInheritedMember = rule(
  (file) => file.startsWith("packages/") && !isTest(file) && !symbolKeys.includes(file),
  (report) => ({
    AssignmentExpression(node) {
      const { left, operator } = node;
      if (!isNode(left) || !isOfNoFixedName(left)) return;
      if (["??=", "||="].includes(String(operator)) || isOfNoFixedName(left["object"]))
        report({
          node,
          message:
            "Of a name like `constructor` or `__proto__` every object has something already, which this would use or change for the whole process: take a Map.",
        });
    },
  }),
);

const noEndlessMkdir = rule(
  (file) => file.startsWith("packages/") && !isTest(file),
  (report) => ({
    CallExpression(node) {
      const call = methodCall(node) ?? { name: nameOf(node["callee"]), args: node["arguments"] };
      if (!["mkdir", "mkdirSync"].includes(String(call.name))) return;
      for (const inner of below(call.args))
        if (inner.type === "Property" && nameOf(inner["key"]) === "recursive")
          report({
            node,
            message: "Node's recursive mkdir never ends below /proc: use makeFolders of @pouchcontainer/owners.",
          });
    },
  }),
);

/** What `hack/test` gives every test, in milliseconds: it ends what hangs. */
const testLimitMs = 300_000;

const noShortTestLimit = rule(
  (file) => file.endsWith(".test.ts"),
  (report) => ({
    CallExpression(node) {
      if (nameOf(node["callee"]) !== "test") return;
      // Arguments of a call expression are nodes.
      const [, options] = node["arguments"] as Node[];
      if (options?.type !== "ObjectExpression") return;
      for (const inner of below(options)) {
        const limit = inner.type === "Property" && nameOf(inner["key"]) === "timeout" ? textOf(inner["value"]) : undefined;
        if (typeof limit === "number" && limit <= testLimitMs)
          report({
            node,
            message: "A limit below that of hack/test only tells how fast the machine is: leave it away, or give a longer one.",
          });
      }
    },
  }),
);

/** Files of which something is put on the machine that runs them. */
const usesMachine = (file: string): boolean =>
  /^(integration|conformance|benchmarks)\//.test(file) &&
  file !== "integration/harness/free-subnet.ts" &&
  // Played to engines that have a network namespace each.
  !file.startsWith("conformance/differential");

/** A subnet of private addresses, or what those in it begin with. */
const privateSubnet = /(?<![\w.:])(?:(?:10|172|192\.168)(?:\.\d+)+|fd[\da-f]{2}:[\da-f:]*)\/\d|^10(?:\.\d+){2,3}\.?$/;

const noFixedSubnet = rule(usesMachine, (report) => {
  const check = (node: Node, text: unknown): void => {
    if (typeof text === "string" && privateSubnet.test(text))
      report({
        node,
        message:
          "The machine, or a test beside this one, may have that subnet: take one of freeSubnet, or one for documentation (192.0.2.0/24, 2001:db8::/32) where it never gets to the kernel.",
      });
  };
  return {
    Literal: (node) => check(node, textOf(node)),
    TemplateLiteral(node) {
      // Its parts have their text so.
      const parts = node["quasis"] as { value: { cooked: string } }[];
      check(node, parts.map(({ value }) => value.cooked).join("0"));
    },
  };
});

/** Words after which comes the name of something that all processes of the machine share. */
const namesWhatIsShared = (words: readonly unknown[]): boolean =>
  ["--bridge-name", "--nft-table"].includes(String(words.at(-1))) || words.slice(-2).join(" ") === "link add";

const isName = (text: unknown): boolean => typeof text === "string" && !["link", "name", "dev"].includes(text);

const noFixedName = rule(usesMachine, (report) => {
  const check = (items: unknown): void => {
    // Elements of a list and arguments of a call are nodes, or holes.
    const texts = (items as (Node | null)[]).map((item) => (item ? textOf(item) : undefined));
    for (const [index, item] of (items as (Node | null)[]).entries())
      if (item && isName(texts[index]) && namesWhatIsShared(texts.slice(0, index)))
        report({
          node: item,
          message: "The same test may run beside this one: a name of this run alone, with process.pid in it.",
        });
  };
  return {
    ArrayExpression: (node) => check(node["elements"]),
    CallExpression: (node) => check(node["arguments"]),
  };
});

export default {
  meta: { name: "owners" },
  rules: {
    unheard,
    "no-bare-pipe": noBarePipe,
    "hears-errors": hearsErrors,
    "nothing-synchronous": nothingSynchronous,
    "no-void": noVoid,
    "no-foreign-pattern": noForeignPattern,
    "no-quadratic-pattern": noQuadraticPattern,
    "no-inherited-member": noInheritedMember,
    "no-endless-mkdir": noEndlessMkdir,
    "no-short-test-limit": noShortTestLimit,
    "no-fixed-subnet": noFixedSubnet,
    "no-fixed-name": noFixedName,
  },
};
