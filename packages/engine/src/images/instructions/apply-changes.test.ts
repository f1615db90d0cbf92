import assert from "node:assert/strict";
import { test } from "node:test";
import { applyChanges } from "./apply-changes.ts";
import { exposedPorts } from "./values.ts";
import { expand, rawWords } from "./words.ts";

const variables = new Map([
  ["A", "1"],
  ["EMPTY", ""],
]);

test("words end at white space outside quotes, and keep what quotes them", () => {
  assert.deepEqual(rawWords(`a  'b c' "d \\" e"f \\ g`), ["a", "'b c'", `"d \\" e"f`, "\\ g"]);
  assert.deepEqual(rawWords(" \t "), []);
});

test("variables, quotes and backslashes are replaced as the Dockerfile reference says", () => {
  const replaced: Record<string, string> = {
    "$A${A}": "11",
    "$NONE-$EMPTY.": "-.",
    "${NONE:-d}${EMPTY:-d}${EMPTY-d}${A:-d}": "dd1",
    "${NONE:+s}${A:+s}${EMPTY+s}": "ss",
    "${NONE:-${A}x}": "1x",
    "'$A' \"$A\" \\$A": "$A 1 $A",
    '"a\\"b\\x"': 'a"b\\x',
    $: "$",
    $1: "",
    "a\\": "a\\",
  };
  for (const [text, wanted] of Object.entries(replaced)) assert.equal(expand(text, variables), wanted, text);
  for (const text of ["${A", "${A:", "${}", "'a", '"a', "${A:-b", "${NONE:?}"])
    assert.throws(() => expand(text, variables), /^EngineError: failed to process /, text);
  assert.throws(() => expand("${NONE:?is wanted}", variables), /NONE: is wanted/);
});

test("instructions change the configuration in their order, joined lines and comments included", () => {
  const config = { Env: ["A=1", "B=2"], Cmd: ["old"], Labels: { k: "v" }, WorkingDir: "/w" };
  const changed = applyChanges(config, [
    "# comment\nENV A=$B \\\n  C='x y'",
    "env D $A and more",
    'LABEL l="$C"',
    "EXPOSE 80 8000-8001/UDP 127.0.0.1:90:91",
    'VOLUME ["/a", "/b c"]',
    "VOLUME /d $A",
    "USER $B",
    "WORKDIR sub",
    "STOPSIGNAL $B",
    'HEALTHCHECK --interval=1m30s --timeout=1.5s --start-period=0 --retries=3 CMD ["test", "-e"]',
    "ONBUILD RUN x",
  ]);
  assert.deepEqual(changed, {
    Env: ["A=2", "B=2", "C=x y", "D=2 and more"],
    Cmd: ["old"],
    Labels: { k: "v", l: "x y" },
    ExposedPorts: { "80/tcp": {}, "8000/udp": {}, "8001/udp": {}, "91/tcp": {} },
    Volumes: { "/a": {}, "/b c": {}, "/d": {}, "2": {} },
    User: "2",
    WorkingDir: "/w/sub",
    StopSignal: "2",
    Healthcheck: { Test: ["CMD", "test", "-e"], Interval: 90e9, Timeout: 1.5e9, StartPeriod: 0, Retries: 3 },
    OnBuild: ["RUN x"],
  });
  assert.deepEqual(config.Env, ["A=1", "B=2"]);
});

test("a new entry point takes the command of the old one away, unless one is given with it", () => {
  assert.deepEqual(applyChanges({ Cmd: ["old"] }, ["ENTRYPOINT run it"]), { Entrypoint: ["/bin/sh", "-c", "run it"] });
  assert.deepEqual(applyChanges({ Cmd: ["old"], Shell: ["ash"] }, ["CMD new", 'ENTRYPOINT ["e"]']), {
    Cmd: ["ash", "new"],
    Shell: ["ash"],
    Entrypoint: ["e"],
  });
});

test("what is no change is refused, and says why", () => {
  const refused: [string, RegExp][] = [
    ["RUN x", /run is not a valid change command/],
    ["COPY a b", /copy is not a valid change command/],
    ["constructor x", /constructor is not a valid change command/],
    ["HEALTHCHECK --constructor=1s CMD x", /unknown flag: constructor/],
    ["CMD", /CMD requires at least one argument/],
    ["ENV A", /ENV must have two arguments/],
    ["ENV A=1 B", /can't find = in "B"/],
    ["ENV =1", /ENV names can not be blank/],
    ["CMD [1]", /arrays must be comprised of strings only/],
    ["ENTRYPOINT [null]", /arrays must be comprised of strings only/],
    ['HEALTHCHECK CMD ["a", 1]', /arrays must be comprised of strings only/],
    ['VOLUME "/a b"', /unexpected end of statement while looking for matching double-quote/],
    ["VOLUME []", /VOLUME requires at least one argument/],
    ["WORKDIR $UNSET", /cannot normalize nothing/],
    ["# nothing", /file with no instructions/],
    ["", /file with no instructions/],
    ["STOPSIGNAL NOPE", /Invalid signal: NOPE/],
    ["STOPSIGNAL 65", /Invalid signal: 65/],
    ["STOPSIGNAL $UNSET", /Invalid signal: /],
    ['VOLUME [""]', /VOLUME specified can not be an empty string/],
    ["EXPOSE x", /invalid containerPort: x/],
    ["EXPOSE 9-8", /invalid containerPort: 9-8/],
    ["EXPOSE 80/icmp", /invalid containerPort/],
    ["HEALTHCHECK --nosuch=1 CMD x", /unknown flag: nosuch/],
    ["HEALTHCHECK --interval=soon CMD x", /invalid duration "soon" of --interval/],
    ["HEALTHCHECK --interval=1us CMD x", /cannot be less than 1ms/],
    ["HEALTHCHECK --retries=-1 CMD x", /--retries must be a number/],
    ["HEALTHCHECK CMD", /Missing command after HEALTHCHECK CMD/],
    ["HEALTHCHECK NONE x", /HEALTHCHECK NONE takes no arguments/],
    ["ONBUILD ONBUILD CMD x", /Chaining ONBUILD/],
    ["ONBUILD FROM x", /FROM isn't allowed as an ONBUILD trigger/],
  ];
  for (const [change, message] of refused) assert.throws(() => applyChanges({}, [change]), message, change);
});

test("what is more work than any image is worth is refused before it is done", () => {
  const refused: [string, string[], RegExp][] = [
    ["a range again and again", [`EXPOSE ${"1-65535 ".repeat(1000)}`], /EXPOSE names more than 65535 ports/],
    ["substitutions in one another", [`ENV A=${"${a:-".repeat(20_000)}`], /more than 100 substitutions in one another/],
    [
      "a variable that doubles",
      ["ENV A=12345678", ...Array.from({ length: 60 }, () => "ENV A=$A$A")],
      /are more than 1048576 characters with their variables/,
    ],
    [
      "a variable in many labels",
      [`ENV A=${"a".repeat(1000)}`, `LABEL ${"k=$A ".repeat(2000)}`],
      /are more than 1048576 characters with their variables/,
    ],
    ["a folder in another", Array.from({ length: 5000 }, () => "WORKDIR a"), /WORKDIR has 4098 characters, more than 4096/],
    ["long text", [`CMD ${"a".repeat(300_000)}`], /the changes have 300004 characters, more than 262144/],
  ];
  for (const [what, changes, message] of refused)
    assert.throws(() => applyChanges({}, changes), { name: "EngineError", kind: "invalidArgument", message }, what);
});

test("the work is in proportion to what is asked for", () => {
  const numbers = Array.from({ length: 20_000 }, (_, index) => index);
  const changed = applyChanges({ Env: ["A1=old", "Z"] }, [`ENV ${numbers.map((number) => `A${number}=${number}`).join(" ")}`]);
  assert.deepEqual(changed.Env, [
    "A1=1",
    "Z",
    ...numbers.filter((number) => number !== 1).map((number) => `A${number}=${number}`),
  ]);
  const ports = numbers.map((number) => `EXPOSE ${number}`);
  assert.equal(Object.keys(applyChanges({}, ports).ExposedPorts ?? {}).length, 20_000);
});

test("what looks odd is read as dockerd reads it", () => {
  const read: [string[], ReturnType<typeof applyChanges>][] = [
    [["ENTRYPOINT []"], {}],
    [['ENTRYPOINT ["e"]', "ENTRYPOINT []"], {}],
    [['ENTRYPOINT [""]'], { Entrypoint: [""] }],
    [["CMD []"], { Cmd: [] }],
    [["CMD ['a']"], { Cmd: ["/bin/sh", "-c", "['a']"] }],
    [["USER a b"], { User: "a b" }],
    [["USER a\\ b"], { User: "a b" }],
    [["USER $UNSET"], { User: "" }],
    [['VOLUME ["a b"]'], { Volumes: { "a b": {} } }],
    [['VOLUME ["/a"'], { Volumes: { "[/a": {} } }],
    [["WORKDIR /a/../b/"], { WorkingDir: "/a/../b/" }],
    [["WORKDIR a b"], { WorkingDir: "/a b" }],
    [["WORKDIR /a", "WORKDIR ../.."], { WorkingDir: "/" }],
    [["EXPOSE $UNSET"], {}],
    [["ENV PORTS='80 81/udp'", "EXPOSE $PORTS"], { Env: ["PORTS=80 81/udp"], ExposedPorts: { "80/tcp": {}, "81/udp": {} } }],
  ];
  for (const [changes, wanted] of read) assert.deepEqual(applyChanges({}, changes), wanted, changes.join("; "));
});

test("words that stand for many others, and ranges that say the same, come to an end", () => {
  const many = new Map([["A", "x".repeat(1000)]]);
  assert.throws(() => expand("$A".repeat(2000), many), /may come to 1048576 characters and no more/);
  assert.throws(() => expand("${N:-".repeat(100_000), many), /more than 100 substitutions in one another/);
  assert.throws(() => exposedPorts(Array(1000).fill("1-65535")), /EXPOSE of 1000 ranges of ports is refused/);
});
