import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Home } from "./manager-home.ts";

/** A folder with a policy whose one rule changes containers, such as `Object{Hostname: 'ruled'}`. */
export function policy(h: Home, name: string, expression: string, pouch: object = {}, version = "1.0.0"): string {
  const directory = join(h.root, "sources", name);
  mkdirSync(directory, { recursive: true });
  const mutation = { patchType: "ApplyConfiguration", applyConfiguration: { expression } };
  writeFileSync(
    join(directory, "policy.json"),
    JSON.stringify({
      name,
      version,
      pouch: { api: "1", points: ["container.preCreate"], ...pouch },
      policy: { mutations: [mutation] },
    }),
  );
  return directory;
}
