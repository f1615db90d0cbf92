/**
 * Shell text that ends every process which carries a mark in its environment, its group and session notwithstanding, and waits until
 * none is left, a second at most. `mark` is a word of the shell; whoever runs this must not carry it.
 */
export const endMarked = (mark: string): string => `
round=0
while [ "$round" -lt 20 ]; do
  found=$(command -p grep -las -e ${mark} /proc/[0-9]*/environ 2>/dev/null | command -p tr -dc '0-9\\n')
  [ -n "$found" ] || break
  kill -KILL $found 2>/dev/null
  command -p sleep 0.05
  round=$((round + 1))
done
`;

/** The variable that holds the mark. */
export const markVariable = "POUCH_PROCESS_MARK";
