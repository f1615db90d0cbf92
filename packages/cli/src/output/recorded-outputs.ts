import { written, type Output } from "./output.ts";

/** For tests: both outputs, no terminals, and what was written to each. */
export function recordedOutputs(): { outputs: Record<"out" | "err", Output>; texts: Record<"out" | "err", string> } {
  const texts = { out: "", err: "" };
  const output = (name: "out" | "err"): Output => ({
    isTTY: false,
    columns: () => 0,
    size: () => undefined,
    write(data) {
      texts[name] += Buffer.from(written(data)).toString();
    },
  });
  return { outputs: { out: output("out"), err: output("err") }, texts };
}
