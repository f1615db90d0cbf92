import { isTrue, templateFunctions } from "./functions.ts";
import type { TemplateFunction } from "./functions.ts";
import { goString } from "./go-format.ts";
import { parseTemplate } from "./parse-template.ts";
import { TemplateError } from "./syntax.ts";
import type { Node, Operand, Pipe } from "./syntax.ts";

export interface TemplateOptions {
  /** Replaces or adds functions. */
  functions?: Readonly<Record<string, TemplateFunction>>;
  /** A field that is not there: an error (default), or Go's `<no value>`. */
  missing?: "error" | "no value";
}

/** A template, read once and run on many values. Fields that are functions are called, like methods in Go. */
export class Template {
  readonly #nodes: Node[];
  readonly #options: TemplateOptions;

  /** Throws a TemplateError that says what is wrong with the source. */
  constructor(source: string | Template, options: TemplateOptions = {}) {
    // Another template's text with other options: read already.
    this.#nodes = typeof source === "string" ? parseTemplate(source) : source.#nodes;
    this.#options = options;
    checkFunctions(this.#nodes, (name) => this.#function(name) !== undefined);
  }

  render(data: unknown): string {
    const out: string[] = [];
    const scope = new Scope(undefined);
    scope.declare("$", data);
    this.#run(this.#nodes, data, scope, out);
    return out.join("");
  }

  #function(name: string): TemplateFunction | undefined {
    if (name === "and" || name === "or" || name === "call") return () => undefined;
    return this.#options.functions?.[name] ?? (Object.hasOwn(templateFunctions, name) ? templateFunctions[name] : undefined);
  }

  #run(nodes: readonly Node[], dot: unknown, scope: Scope, out: string[]): "break" | "continue" | undefined {
    for (const node of nodes) {
      switch (node.kind) {
        case "text":
          out.push(node.text);
          break;
        case "output": {
          const value = this.#pipe(node.pipe, dot, scope);
          if (node.pipe.declares === undefined) out.push(goString(value));
          break;
        }
        case "if":
        case "with": {
          const inner = new Scope(scope);
          const value = this.#pipe(node.pipe, dot, inner);
          const truth = isTrue(value);
          const signal = this.#run(truth ? node.body : node.otherwise, truth && node.kind === "with" ? value : dot, inner, out);
          if (signal !== undefined) return signal;
          break;
        }
        case "range":
          this.#range(node, dot, scope, out);
          break;
        default:
          return node.kind;
      }
    }
    return undefined;
  }

  #range(node: Extract<Node, { kind: "range" }>, dot: unknown, scope: Scope, out: string[]): void {
    const entries = entriesOf(this.#pipe(node.pipe, dot, scope));
    if (entries.length === 0) this.#run(node.otherwise, dot, new Scope(scope), out);
    for (const [key, value] of entries) {
      const inner = new Scope(scope);
      if (node.key !== undefined) inner.declare(node.key, key);
      if (node.value !== undefined) inner.declare(node.value, value);
      if (this.#run(node.body, value, inner, out) === "break") break;
    }
  }

  #pipe(pipe: Pipe, dot: unknown, scope: Scope): unknown {
    let value: unknown;
    for (const [at, command] of pipe.commands.entries()) value = this.#command(command, dot, scope, at === 0 ? [] : [value]);
    if (pipe.declares !== undefined) {
      if (pipe.assigns) scope.assign(pipe.declares, value);
      else scope.declare(pipe.declares, value);
    }
    return value;
  }

  #command(command: readonly Operand[], dot: unknown, scope: Scope, piped: unknown[]): unknown {
    const [head, ...rest] = command;
    if (head === undefined) throw new TemplateError("missing value for command");
    if (head.kind === "function" && (head.name === "and" || head.name === "or"))
      return this.#logic(head.name, rest, dot, scope, piped);
    const args = [...rest.map((one) => this.#operand(one, dot, scope, [])), ...piped];
    if (head.kind === "function") return this.#function(head.name)?.(...args);
    if (head.kind === "literal" && args.length > 0) throw new TemplateError("can't give argument to non-function");
    return this.#operand(head, dot, scope, args);
  }

  #logic(name: "and" | "or", operands: readonly Operand[], dot: unknown, scope: Scope, piped: unknown[]): unknown {
    let value: unknown;
    for (const operand of [...operands, ...piped.map((one): Operand => ({ kind: "literal", value: one }))]) {
      value = this.#operand(operand, dot, scope, []);
      if (isTrue(value) === (name === "or")) return value;
    }
    return value;
  }

  #operand(operand: Operand, dot: unknown, scope: Scope, args: unknown[]): unknown {
    if (operand.kind === "literal") return operand.value;
    if (operand.kind === "function") return this.#function(operand.name)?.(...args);
    const { base, fields } = operand;
    let value = base === "dot" ? dot : "variable" in base ? scope.read(base.variable) : this.#pipe(base.pipe, dot, scope);
    for (const [at, field] of fields.entries()) value = this.#field(value, field, at === fields.length - 1 ? args : []);
    return value;
  }

  #field(value: unknown, name: string, args: unknown[]): unknown {
    if (
      typeof value === "object" &&
      value !== null &&
      !Array.isArray(value) &&
      (Object.hasOwn(value, name) || name in Object.getPrototypeOf(value))
    ) {
      // `name` was just found in this object.
      const field = (value as Record<string, unknown>)[name];
      return typeof field === "function" ? field.apply(value, args) : field;
    }
    if (this.#options.missing === "no value") {
      if (value === undefined || value === null || (typeof value === "object" && !Array.isArray(value))) return undefined;
    } else if (value === null || value === undefined) throw new TemplateError(`nil data; no entry for key "${name}"`);
    if (typeof value === "object" && !Array.isArray(value)) throw new TemplateError(`map has no entry for key "${name}"`);
    throw new TemplateError(`can't evaluate field ${name} in type ${Array.isArray(value) ? "[]interface {}" : typeof value}`);
  }
}

class Scope {
  readonly #outer: Scope | undefined;
  readonly #values = new Map<string, unknown>();

  constructor(outer: Scope | undefined) {
    this.#outer = outer;
  }

  declare(name: string, value: unknown): void {
    this.#values.set(name, value);
  }

  assign(name: string, value: unknown): void {
    if (this.#values.has(name)) this.#values.set(name, value);
    else if (this.#outer === undefined) throw new TemplateError(`undefined variable "${name}"`);
    else this.#outer.assign(name, value);
  }

  read(name: string): unknown {
    if (this.#values.has(name)) return this.#values.get(name);
    if (this.#outer === undefined) throw new TemplateError(`undefined variable "${name}"`);
    return this.#outer.read(name);
  }
}

function entriesOf(value: unknown): [unknown, unknown][] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.map((one, at) => [at, one]);
  if (typeof value === "number") return Array.from({ length: value }, (_, at) => [at, at]);
  if (typeof value === "object") return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  throw new TemplateError(`range can't iterate over ${goString(value)}`);
}

function checkFunctions(nodes: readonly Node[], known: (name: string) => boolean): void {
  const checkPipe = (pipe: Pipe): void => {
    for (const operand of pipe.commands.flat()) {
      if (operand.kind === "function" && !known(operand.name)) throw new TemplateError(`function "${operand.name}" not defined`);
      if (operand.kind === "path" && operand.base !== "dot" && "pipe" in operand.base) checkPipe(operand.base.pipe);
    }
  };
  for (const node of nodes) {
    if ("pipe" in node) checkPipe(node.pipe);
    if ("body" in node) {
      checkFunctions(node.body, known);
      checkFunctions(node.otherwise, known);
    }
  }
}
