import { CliError } from "../../cli-error.ts";
import { anyArgs, defineCommand } from "../../command.ts";

export const command = defineCommand({
  usage: "[PLUGIN...]",
  description:
    "Plugins of a higher priority run first; this order decides between equal priorities. Plugins it does not name come after, by name.",
  args: anyArgs,
  flags: {},
  examples: [
    { does: "Show the order", run: "pouch plugin order" },
    { does: "Let one run before another", run: "pouch plugin order legacy-env net-qos" },
  ],
  async run(context, { args }) {
    const engine = await context.engine();
    const answer =
      args.length === 0 ? await engine.get("/plugins/order") : await engine.post("/plugins/order", { json: { order: args } });
    const body = await answer.text();
    const names = body.trim() === "" ? args : namesIn(JSON.parse(body));
    context.out.write(names.map((name) => `${name}\n`).join(""));
  },
});

function namesIn(body: unknown): string[] {
  const list = typeof body === "object" && body !== null && "order" in body ? body.order : body;
  if (!Array.isArray(list)) throw new CliError("the daemon's answer is no list of plugins");
  return list.map(String);
}
