/** `hack/soak`: a long soak, with what happens on standard error and the report on standard output. */
import { parseArgs } from "node:util";
import { soak } from "./soak.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    "no-kills": { type: "boolean", default: false },
  },
});
const seed = Number(values.seed);
process.stderr.write(
  `soak: seed ${seed}; the same again: hack/soak --seed ${seed} --minutes ${values.minutes}${values["no-kills"] ? " --no-kills" : ""}\n`,
);
const report = await soak({
  seed,
  minutes: Number(values.minutes),
  kills: !values["no-kills"],
  say: (line) => process.stderr.write(`soak: ${new Date().toISOString()} ${line}\n`),
});
process.stdout.write(`${JSON.stringify({ seed, ...report }, undefined, 2)}\n`);
process.exit(report.faults.length === 0 ? 0 : 1);
