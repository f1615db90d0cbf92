import { isObject, pointerParts, type PatchOperation } from "@pouchcontainer/plugin-sdk/host";
import type { Meter } from "./meter.ts";

/** Characters of a path: a field of a body has a shorter one. */
const longestPath = 8192;

/**
 * A body on its way through the mutations of one call. What was given stays as it is: of that, objects and lists that are changed are copied,
 * each once however many changes there are, and all else is shared.
 */
export class Draft {
  readonly #meter: Meter;
  readonly #copies = new WeakSet<object>();
  #body: unknown;

  constructor(body: unknown, meter: Meter) {
    this.#body = body;
    this.#meter = meter;
  }

  get body(): unknown {
    return this.#body;
  }

  /** Lays a partial value over it: objects are merged, null takes a member away, all else takes the place of what was there. */
  merge(change: unknown): void {
    this.#body = this.#merged(this.#body, change);
  }

  /** Applies the operations of a JSON Patch; of those, the three that traces are made of. */
  patch(operations: unknown): void {
    if (!Array.isArray(operations)) throw new Error("a JSON Patch is a list of JSONPatch{op: …, path: …, value: …}");
    for (const [index, operation] of (operations as unknown[]).entries()) {
      try {
        this.#apply(checked(operation));
      } catch (error) {
        throw new Error(`operation ${index} of the patch: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        });
      }
    }
  }

  #merged(target: unknown, change: unknown): unknown {
    if (!isObject(change)) return change;
    const result = this.#ownObject(isObject(target) ? target : {});
    for (const [name, value] of Object.entries(change)) {
      if (value === null) delete result[name];
      else setMember(result, name, this.#merged(ownMember(result, name), value));
    }
    return result;
  }

  #apply(operation: PatchOperation): void {
    const { path } = operation;
    if (path === "") {
      if (operation.op === "remove") throw new Error("the whole body cannot be removed");
      this.#body = operation.value;
      return;
    }
    if (path.length > longestPath) throw new Error(`its path has ${path.length} characters; at most ${longestPath} are read`);
    const parts = pointerParts(path);
    this.#meter.spend(parts.length);
    const last = parts.pop() ?? "";
    const parent = this.#parentAt(parts);
    if (Array.isArray(parent)) this.#changeList(parent, last, operation);
    else if (isObject(parent)) changeObject(parent, last, operation);
    else
      throw new Error(
        `there is nothing at ${path.slice(0, path.lastIndexOf("/"))} to ${operation.op} something in; add that first`,
      );
  }

  /** What a path leads to, to be changed. */
  #parentAt(parts: readonly string[]): unknown {
    this.#body = this.#owned(this.#body);
    let at = this.#body;
    for (const part of parts) {
      const member = ownMember(at, part);
      const owned = this.#owned(member);
      // What has a member can take another in its place.
      if (owned !== member) setMember(at as object, part, owned);
      at = owned;
    }
    return at;
  }

  /** An object or list that may be changed: a copy of what was given, which is made once. */
  #owned(value: unknown): unknown {
    if (isObject(value)) return this.#ownObject(value);
    if (!Array.isArray(value) || this.#copies.has(value)) return value;
    this.#meter.spend(value.length / 16);
    return this.#noted([...(value as unknown[])]);
  }

  #ownObject(value: Record<string, unknown>): Record<string, unknown> {
    if (this.#copies.has(value)) return value;
    this.#meter.spend(Object.keys(value).length);
    return this.#noted({ ...value });
  }

  #noted<T extends object>(copy: T): T {
    this.#copies.add(copy);
    return copy;
  }

  #changeList(parent: unknown[], name: string, operation: PatchOperation): void {
    const isAdd = operation.op === "add";
    const index = name === "-" && isAdd ? parent.length : /^(0|[1-9]\d*)$/.test(name) ? Number(name) : -1;
    if (index < 0 || index > parent.length - (isAdd ? 0 : 1))
      throw new Error(`${name} is no place in the list at ${operation.path}, which has ${parent.length}`);
    // What is behind it moves.
    if (operation.op !== "replace") this.#meter.spend((parent.length - index) / 16);
    if (operation.op === "remove") parent.splice(index, 1);
    else parent.splice(index, isAdd ? 0 : 1, operation.value);
  }
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

function ownMember(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  // It has a member of that name.
  return (value as Record<string, unknown>)[name];
}

function changeObject(parent: Record<string, unknown>, name: string, operation: PatchOperation): void {
  if (operation.op !== "add" && !Object.hasOwn(parent, name))
    throw new Error(`there is nothing at ${operation.path} to ${operation.op}`);
  if (operation.op === "remove") delete parent[name];
  else setMember(parent, name, operation.value);
}

/** An own property, whatever its name. */
function setMember(parent: object, name: string, value: unknown): void {
  Object.defineProperty(parent, name, { value, enumerable: true, writable: true, configurable: true });
}
