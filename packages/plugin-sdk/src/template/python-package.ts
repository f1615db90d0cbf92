import { splitPoint, type PointName } from "../points.ts";
import { pointSamples } from "./point-samples.ts";
import { pythonProtocol } from "./python-protocol.ts";

/** The files of a plugin in Python, besides package.json. Python's standard library is all they need. */
export function pythonFiles(points: readonly PointName[]): Record<string, string> {
  return { "plugin.py": moduleText(points), "pouch_plugin.py": pythonProtocol, "test_plugin.py": testText(points) };
}

function moduleText(points: readonly PointName[]): string {
  const code = points.map((point) => pointSamples[point].python).join("\n\n\n");
  const names = ["Refusal", "ask", "log", "serve"].filter((name) => name === "serve" || code.includes(`${name}(`));
  const entries = points.map((point) => `    "${point}": ${functionName(point)},\n`).join("");
  const serve = code.includes("\nROUTES =") ? "serve(POINTS, ROUTES)" : "serve(POINTS)";
  return `${code.includes("json.") ? "import json\n\n" : ""}from pouch_plugin import ${names.join(", ")}


${code}


POINTS = {
${entries}}

if __name__ == "__main__":
    ${serve}
`;
}

function testText(points: readonly PointName[]): string {
  const tests = points
    .map((point) => `    def test_${functionName(point)}(self):\n${pointSamples[point].pythonTest}\n`)
    .join("\n");
  const imports = ["json", "unittest", "unittest.mock"]
    .filter((name) => name === "unittest" || tests.includes(`${name}.`))
    .map((name) => `import ${name}\n`)
    .join("");
  return `${imports}
import plugin
import pouch_plugin


class PluginTest(unittest.TestCase):
${tests}
    def test_its_points_are_answered_for(self):
        self.assertEqual(pouch_plugin.implemented(plugin.POINTS), ${JSON.stringify(kindsOf(points))})
`;
}

function kindsOf(points: readonly PointName[]): string[] {
  return [...new Set(points.map((point) => `pouch.${splitPoint(point).kind}/1`))].toSorted();
}

/** What the sample's function is called; two kinds may have a point of the same name. */
function functionName(point: PointName): string {
  return /^def (\w+)/.exec(pointSamples[point].python)?.[1] ?? point;
}
