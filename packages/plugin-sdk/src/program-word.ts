import { Type } from "typebox";

/** JSON Schema of an argument or a variable's value, as the kernel can hand it to a program. */
export const programWord = Type.String({ pattern: "^[^\\u0000]*$" });
