import { isSecretField, withoutSecrets } from "@pouchcontainer/api";
import { isObject, type PatchOperation } from "@pouchcontainer/plugin-sdk/host";
import { redactPatch } from "../redact.ts";

/** What becomes of secrets on their way to the disk: values are masked, or the fields are emptied. */
export type JournalSecrets = "mask" | "omit";

/** A copy without secrets, and how many fields were emptied for that. */
export function hiddenIn(value: unknown, secrets: JournalSecrets): { value: unknown; emptied: number } {
  if (secrets === "mask") return { value: withoutSecrets(value), emptied: 0 };
  let emptied = 0;
  const rest = emptiedIn(value, () => (emptied += 1));
  // Credentials in texts, such as URLs, are in no field of their own.
  return { value: withoutSecrets(rest), emptied };
}

/** A patch without secrets: of emptied fields it says nothing, as what is found there at a replay is another list. */
export function hiddenInPatch(patch: readonly PatchOperation[], secrets: JournalSecrets): PatchOperation[] {
  // None of a whole patch's operations lacks its value.
  if (secrets === "mask") return redactPatch(patch) as PatchOperation[];

  const open = patch.filter(({ path }) => !path.split("/").some(isSecretField));
  const emptied = open.map((operation) =>
    operation.op === "remove" ? operation : { ...operation, value: emptiedIn(operation.value, () => undefined) },
  );
  return redactPatch(emptied) as PatchOperation[];
}

function emptiedIn(value: unknown, emptied: () => void): unknown {
  if (Array.isArray(value)) return value.map((item) => emptiedIn(item, emptied));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]): [string, unknown][] => {
      if (!isSecretField(key)) return [[key, emptiedIn(member, emptied)]];
      const none = emptyLike(member);
      if (none !== member) emptied();
      return none === undefined ? [] : [[key, none]];
    }),
  );
}

/** What has the same form and holds nothing: a required list stays one. */
function emptyLike(member: unknown): unknown {
  if (Array.isArray(member)) return member.length === 0 ? member : [];
  if (isObject(member)) return Object.keys(member).length === 0 ? member : {};
  return member === null || typeof member === "boolean" ? member : undefined;
}
