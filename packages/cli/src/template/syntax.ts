/** A Go template that cannot be read or run. */
export class TemplateError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "TemplateError";
  }
}

/** What a template is made of. */
export type Node =
  | { kind: "text"; text: string }
  | { kind: "output"; pipe: Pipe }
  | { kind: "if" | "with"; pipe: Pipe; body: Node[]; otherwise: Node[] }
  | { kind: "range"; pipe: Pipe; key: string | undefined; value: string | undefined; body: Node[]; otherwise: Node[] }
  | { kind: "break" }
  | { kind: "continue" };

/** `$x := a | b`: commands, each given the value of the one before as its last argument. */
export interface Pipe {
  declares: string | undefined;
  assigns: boolean;
  commands: Operand[][];
}

export type Operand =
  | { kind: "literal"; value: unknown }
  /** `.A.B`, `$x.A`, `(pipe).A`; fields are looked up one by one. */
  | { kind: "path"; base: "dot" | { variable: string } | { pipe: Pipe }; fields: string[] }
  | { kind: "function"; name: string };
