import assert from "node:assert/strict";
import { test } from "node:test";
import { goQuote } from "./go-format.ts";
import { Template } from "./template.ts";
import { TemplateError } from "./syntax.ts";

const data = {
  Name: "/web",
  Count: 3,
  On: true,
  Nothing: null,
  Config: { Env: ["A=1", "B=2"], Labels: { "a.b": "c", x: "<y>" }, Empty: [] },
  Ports: [{ Port: 80 }, { Port: 443 }],
  Greet: (who: unknown) => `hello ${String(who)}`,
};

/** Template and what Go makes of it. */
const cases: readonly [string, string][] = [
  ["plain", "plain"],
  ["{{.Name}}", "/web"],
  ["{{ .Config.Env }}", "[A=1 B=2]"],
  ["{{.Config.Labels}}", "map[a.b:c x:<y>]"],
  ["{{.Nothing}}", "<no value>"],
  ["{{json .Config.Labels}}", '{"a.b":"c","x":"<y>"}'],
  ["{{json .Nothing}}", "null"],
  ['{{join .Config.Env ","}}', "A=1,B=2"],
  ["{{upper .Name}}{{lower .Name | title}}", "/WEB/web"],
  ['{{index .Config.Labels "a.b"}}', "c"],
  ["{{index .Config.Env 1}}", "B=2"],
  ["{{(index .Ports 1).Port}}", "443"],
  ["{{len .Config.Env}} {{len .Name}}", "2 4"],
  ["{{if .On}}yes{{else}}no{{end}}", "yes"],
  ["{{if .Config.Empty}}yes{{else if eq .Count 3}}three{{else}}no{{end}}", "three"],
  ["{{if and .On (gt .Count 2)}}both{{end}}{{if or .Nothing false}}x{{end}}", "both"],
  ["{{if not .Nothing}}none{{end}}", "none"],
  ["{{range .Config.Env}}[{{.}}]{{end}}", "[A=1][B=2]"],
  ["{{range $i, $e := .Config.Env}}{{$i}}={{$e}};{{end}}", "0=A=1;1=B=2;"],
  ["{{range $k, $v := .Config.Labels}}{{$k}}:{{$v}} {{end}}", "a.b:c x:<y> "],
  ["{{range .Config.Empty}}x{{else}}empty{{end}}", "empty"],
  ["{{range .Ports}}{{if eq .Port 443}}{{break}}{{end}}{{.Port}}{{end}}", "80"],
  ["{{range .Ports}}{{if eq .Port 80}}{{continue}}{{end}}{{.Port}}{{end}}", "443"],
  ["{{with .Config}}{{len .Env}}{{$.Name}}{{end}}", "2/web"],
  ["{{with .Nothing}}x{{else}}nothing{{end}}", "nothing"],
  ["{{$x := .Count}}{{$x}}{{if .On}}{{$x = 5}}{{end}}{{$x}}", "35"],
  ['{{printf "%s %05d %-4s| %q %v %.2f %x" .Name 42 "a" "b" .On 1.5 255}}', '/web 00042 a   | "b" true 1.50 ff'],
  ['{{println "a" 1}}', "a 1\n"],
  ['{{print 1 2 "x" 3}}', "1 2x3"],
  ["{{slice .Name 1 3}}", "we"],
  ['{{split "a/b" "/"}}', "[a b]"],
  ["{{truncate .Name 2}}", "/w"],
  ["{{pad .Name 1 2}}|", " /web  |"],
  ["a {{- .Count -}} b", "a3b"],
  ["{{/* a comment */}}x", "x"],
  ['{{.Greet "you"}} {{"me" | .Greet}}', "hello you hello me"],
  ['{{`raw \\n`}}{{"\\t"}}', "raw \\n\t"],
  ['{{ne .Count 4}} {{le 1 1}} {{lt "a" "b"}}', "true true true"],
];

for (const [source, expected] of cases) {
  test(`${source} gives what Go gives`, () => {
    assert.equal(new Template(source).render(data), expected);
  });
}

test("a field that is not there is an error that names it", () => {
  assert.throws(() => new Template("{{.Nope}}").render(data), /map has no entry for key "Nope"/);
  assert.throws(() => new Template("{{.Name.Nope}}").render(data), /can't evaluate field Nope/);
  assert.equal(new Template("{{.Nope}}", { missing: "no value" }).render(data), "<no value>");
});

for (const broken of [
  "{{.Name",
  "{{if .On}}x",
  "{{end}}",
  "{{}}",
  "{{nosuch .}}",
  "{{.Name | }}",
  "{{(.Name}}",
  "{{range .x}}{{else}}",
  "{{break}}",
]) {
  test(`${broken} is refused`, () => {
    assert.throws(() => new Template(broken), TemplateError);
  });
}

test("a quoted text is one that Go's strconv.Quote makes", () => {
  assert.equal(goQuote('a"b\\c d\té…'), String.raw`"a\"b\\c d\té…"`);
  assert.equal(goQuote("\u0007\b\f\n\r\v\u0000\u001b[31m\u007f"), String.raw`"\a\b\f\n\r\v\x00\x1b[31m\x7f"`);
  assert.equal(goQuote("\u0085\u00a0\u200b\ufeff\u{e0001}\u{1f600}"), String.raw`"\u0085\u00a0\u200b\ufeff\U000e0001😀"`);
});
