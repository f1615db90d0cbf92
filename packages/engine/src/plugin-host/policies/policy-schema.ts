import { Type, type Static } from "typebox";

/** More rules than that are more than one policy. */
const maxRules = 100;
const expression = Type.String({ minLength: 1 });
const name = Type.String({ pattern: "^[A-Za-z_][A-Za-z0-9_]*$" });

function rules<T extends Type.TSchema>(rule: T): Type.TOptional<Type.TArray<T>> {
  return Type.Optional(Type.Array(rule, { maxItems: maxRules }));
}

const closed = { additionalProperties: false };

const mutation = Type.Union([
  Type.Object({ patchType: Type.Literal("ApplyConfiguration"), applyConfiguration: Type.Object({ expression }, closed) }, closed),
  Type.Object({ patchType: Type.Literal("JSONPatch"), jsonPatch: Type.Object({ expression }, closed) }, closed),
]);

/** JSON Schema of the `policy` section of a plugin: names are those of Kubernetes' admission policies. */
export const policySchema = Type.Object(
  {
    matchConditions: rules(Type.Object({ name: Type.String({ minLength: 1 }), expression }, closed)),
    variables: rules(Type.Object({ name, expression }, closed)),
    mutations: rules(mutation),
    validations: rules(
      Type.Object(
        {
          expression,
          message: Type.Optional(Type.String({ minLength: 1, maxLength: 5120 })),
          messageExpression: Type.Optional(expression),
          reason: Type.Optional(Type.Enum(["Unauthorized", "Forbidden", "Invalid"])),
        },
        closed,
      ),
    ),
  },
  closed,
);

/** The `policy` section of a plugin. */
export type PolicySection = Static<typeof policySchema>;
