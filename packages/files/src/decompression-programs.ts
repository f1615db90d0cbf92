/** Programs for what Node has no decompressor for, called with `-dc`, and the Debian packages that have them. */
export const decompressionPrograms = {
  bzip2: { program: "bzip2", packageName: "bzip2" },
  xz: { program: "xz", packageName: "xz-utils" },
} as const;
