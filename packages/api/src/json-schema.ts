/**
 * The keywords of JSON Schema our schemas use; a TypeBox schema is one at run time. A keyword that is not here has no effect
 * on decoding.
 */
export interface JsonSchema {
  type?: "string" | "boolean" | "integer" | "number" | "array" | "object" | "null";
  description?: string;
  default?: unknown;
  enum?: readonly unknown[];
  const?: unknown;
  anyOf?: readonly JsonSchema[];
  properties?: Readonly<Record<string, JsonSchema>>;
  required?: readonly string[];
  /** Only `^.*$`: free keys. */
  patternProperties?: Readonly<Record<string, JsonSchema>>;
  items?: JsonSchema;
  minItems?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  pattern?: string;
  /** One string stands for a list of one. */
  "x-string-is-one"?: boolean;
}
