/** The canonical text of the record of an index; its length varies, so that files end at all kinds of places. */
export function recordText(index: number, fill: number): string {
  return `{"fill":"${'x'.repeat(fill + (index % 37))}","id":"record-${index}"}`
}
