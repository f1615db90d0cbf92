/** The values of a stream of JSON texts, one after another, with or without line ends between them. */
export async function* jsonValues(body: AsyncIterable<Uint8Array>): AsyncGenerator {
  for await (const text of jsonTexts(body)) yield JSON.parse(text);
}

/** The same as the texts they are: a number may have more digits than a value holds. */
export async function* jsonTexts(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end = endOfValue(rest, start); end !== -1; end = endOfValue(rest, start)) {
      yield rest.slice(start, end).trim();
      start = end;
    }
    rest = rest.slice(start);
  }
  if (rest.trim() !== "") yield rest.trim();
}

/** Index after the object or array that begins at or after `from`; -1 when it is not whole yet. */
function endOfValue(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      at = endOfString(text, at);
      if (at === -1) return -1;
    } else if (char === "{" || char === "[") depth++;
    else if ((char === "}" || char === "]") && --depth === 0) return at + 1;
  }
  return -1;
}

function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at;
  }
  return -1;
}
