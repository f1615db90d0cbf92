import assert from "node:assert/strict";
import { test } from "node:test";
import { setReportText } from "./plugin-set-report.ts";

test("what a set changes is told plugin by plugin, what was and what is to be", () => {
  const text = setReportText({
    changed: [
      { name: "new", action: "install", to: { enabled: true, version: "1.0.0", source: "/srv/new" } },
      {
        name: "tool",
        action: "replace",
        from: { enabled: true, version: "1.0.0", content: "sha256:a" },
        to: { enabled: true, version: "1.1.0", content: "sha256:b", configuration: { rate: 1 } },
        granted: [
          { Name: "fields at container.preCreate", Description: "", Value: ["User", "HostConfig.*"] },
          { Name: "network", Description: "", Value: ["true"] },
        ],
      },
      { name: "old", action: "remove", from: { enabled: false } },
    ],
    order: { from: [], to: ["new", "tool"] },
  });
  assert.equal(
    text,
    `install new
  + version: 1.0.0
  + source: /srv/new
  + enabled: true
replace tool
  - version: 1.0.0
  + version: 1.1.0
  - content: sha256:a
  + content: sha256:b
  + configuration: {"rate":1}
  + granted: fields at container.preCreate: [User, HostConfig.*]
  + granted: network: [true]
remove old
  - enabled: false
order
  + new tool
`,
  );
  assert.equal(setReportText({ changed: [] }), "Nothing to change.\n");
});
