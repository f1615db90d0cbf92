/** A JSON Schema of the API as a TypeScript type, for declarations that need no schema library. */

interface Schema {
  type?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  patternProperties?: Record<string, Schema>;
  items?: Schema;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
}

/** `export interface NAME { … }` for an object's schema, with its descriptions as comments. */
export function interfaceText(name: string, schema: object): string {
  // A schema is plain JSON; unknown keywords are ignored.
  const described = schema as Schema;
  const comment = described.description === undefined ? "" : `/** ${described.description} */\n`;
  return `${comment}export interface ${name} ${objectText(described, "")}\n`;
}

function typeText(schema: Schema, indent: string): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.anyOf !== undefined) return schema.anyOf.map((one) => typeText(one, indent)).join(" | ");
  switch (schema.type) {
    case "string":
    case "boolean":
    case "null":
      return schema.type;
    case "integer":
    case "number":
      return "number";
    case "array":
      return `Array<${schema.items === undefined ? "unknown" : typeText(schema.items, indent)}>`;
    case "object":
      return objectText(schema, indent);
    default:
      return "unknown";
  }
}

function objectText(schema: Schema, indent: string): string {
  const values =
    Object.values(schema.patternProperties ?? {})[0] ??
    (typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined);
  const properties = Object.entries(schema.properties ?? {});
  if (properties.length === 0) return values === undefined ? "object" : `Record<string, ${typeText(values, indent)}>`;
  const inner = `${indent}  `;
  const lines = properties.map(([name, property]) => {
    const comment = property.description === undefined ? "" : `${inner}/** ${property.description.replaceAll("*/", "* /")} */\n`;
    const optional = schema.required?.includes(name) === true ? "" : "?";
    return `${comment}${inner}${/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)}${optional}: ${typeText(property, inner)};\n`;
  });
  return `{\n${lines.join("")}${indent}}`;
}
