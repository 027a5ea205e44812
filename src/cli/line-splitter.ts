// Cuts bytes that come in pieces into lines. Pieces end anywhere, in the middle of a line or of a character.

export class LineSplitter {
  private readonly decoder = new TextDecoder();
  private readonly line: (text: string) => void;
  private partial = '';

  constructor(line: (text: string) => void) {
    this.line = line;
  }

  push(bytes: Uint8Array): void {
    const lines = (this.partial + this.decoder.decode(bytes, { stream: true })).split('\n');
    this.partial = lines.pop()!;
    for (const text of lines) this.line(text);
  }

  /** A last line without its end is given, too. */
  end(): void {
    if (this.partial !== '') this.line(this.partial);
    this.partial = '';
  }
}
