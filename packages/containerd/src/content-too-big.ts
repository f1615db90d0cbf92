import { EngineError } from "@pouchcontainer/errors";

/** What was to be read into memory has more bytes than its reader allows. */
export class ContentTooBig extends EngineError {
  constructor(digest: string, sizeBytes: number, limitBytes: number) {
    super(
      "resourceExhausted",
      `content ${digest} has ${sizeBytes} bytes, more than the ${limitBytes} that may be read into memory`,
    );
    this.name = "ContentTooBig";
  }
}
