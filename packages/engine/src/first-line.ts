/** The first line of a text of several. */
export const firstLine = (text: string): string => text.split("\n", 1)[0] ?? "";
