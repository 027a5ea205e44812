// Where an offset stands in a text.

/** Line and column of an offset; both count from 1, columns in characters. Lines end with LF, CR LF or CR. */
export function positionAt(text: string, offset: number): { line: number; column: number; lineStart: number } {
  let line = 1;
  let lineStart = 0;
  const breaks = /\r\n|\n|\r/g;
  for (let match = breaks.exec(text); match !== null && breaks.lastIndex <= offset; match = breaks.exec(text)) {
    line++;
    lineStart = breaks.lastIndex;
  }
  return { line, column: [...text.slice(lineStart, offset)].length + 1, lineStart };
}
