import { cloneJson, isObject, pointerParts, type PatchOperation } from "@pouchcontainer/plugin-sdk/host";

/** A partial value laid over another: objects are merged, null takes a member away, all else takes the place of what was there. */
export function merged(target: unknown, change: unknown): unknown {
  if (!isObject(change)) return change;
  const result = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [name, value] of Object.entries(change)) {
    if (value === null) result.delete(name);
    else result.set(name, merged(result.get(name), value));
  }
  return Object.fromEntries(result);
}

/** The value after the operations of a JSON Patch; of those, the three that traces are made of. */
export function patched(target: unknown, operations: unknown): unknown {
  if (!Array.isArray(operations)) throw new Error("a JSON Patch is a list of JSONPatch{op: …, path: …, value: …}");
  let result = cloneJson(target);
  for (const [index, operation] of (operations as unknown[]).entries()) {
    try {
      result = applied(result, checked(operation));
    } catch (error) {
      throw new Error(`operation ${index} of the patch: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
  return result;
}

function checked(operation: unknown): PatchOperation {
  const { op, path, value } = isObject(operation) ? operation : {};
  if (op !== "add" && op !== "replace" && op !== "remove")
    throw new Error(`op has to be add, replace or remove, got ${JSON.stringify(op)}`);
  if (typeof path !== "string" || (path !== "" && !path.startsWith("/")))
    throw new Error(`path has to be a JSON pointer such as /HostConfig/Memory, got ${JSON.stringify(path)}`);
  if (op !== "remove" && value === undefined) throw new Error(`${op} needs a value`);
  return op === "remove" ? { op, path } : { op, path, value };
}

function applied(root: unknown, operation: PatchOperation): unknown {
  const { path } = operation;
  if (path === "") {
    if (operation.op === "remove") throw new Error("the whole body cannot be removed");
    return operation.value;
  }
  const parts = pointerParts(path);
  const last = parts.pop() ?? "";
  const parent = parts.reduce((value, part) => ownMember(value, part), root);
  if (Array.isArray(parent)) changeList(parent, last, operation);
  else if (isObject(parent)) changeObject(parent, last, operation);
  else
    throw new Error(
      `there is nothing at ${path.slice(0, path.lastIndexOf("/"))} to ${operation.op} something in; add that first`,
    );
  return root;
}

function ownMember(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  // It has a member of that name.
  return (value as Record<string, unknown>)[name];
}

function changeObject(parent: Record<string, unknown>, name: string, operation: PatchOperation): void {
  if (operation.op !== "add" && !Object.hasOwn(parent, name))
    throw new Error(`there is nothing at ${operation.path} to ${operation.op}`);
  if (operation.op === "remove") delete parent[name];
  // An own property, whatever its name.
  else Object.defineProperty(parent, name, { value: operation.value, enumerable: true, writable: true, configurable: true });
}

function changeList(parent: unknown[], name: string, operation: PatchOperation): void {
  const isAdd = operation.op === "add";
  const index = name === "-" && isAdd ? parent.length : /^(0|[1-9]\d*)$/.test(name) ? Number(name) : -1;
  if (index < 0 || index > parent.length - (isAdd ? 0 : 1))
    throw new Error(`${name} is no place in the list at ${operation.path}, which has ${parent.length}`);
  if (operation.op === "remove") parent.splice(index, 1);
  else parent.splice(index, isAdd ? 0 : 1, operation.value);
}
