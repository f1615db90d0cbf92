/** The process whose files were asked for had ended before anything was done. */
export class ProcessGone extends Error {
  override readonly name = "ProcessGone";
}
