import { invalidArgument } from "@pouchcontainer/errors";
import { programOutcome } from "@pouchcontainer/owners";
import { networksConfig } from "../default-networks-config.ts";

const usual = networksConfig({ namespacesDirectory: "" }).nftTable;

/** Refuses a name that is a word of nft's own language, of which it has hundreds and every version more. */
export async function checkTableName(table: string, env: NodeJS.ProcessEnv): Promise<void> {
  // A start does not wait for nft to say what is known.
  if (table === usual) return;
  let stderr;
  try {
    ({ stderr } = await programOutcome("nft", ["--check", "add", "table", "inet", table], { env }));
  } catch {
    // That nft is missing or hangs is told where rules are made.
    return;
  }
  if (stderr.includes("syntax error"))
    throw invalidArgument(`--nft-table: nft does not take ${JSON.stringify(table)} for a table's name: give another`, {
      details: { stderr },
    });
}
