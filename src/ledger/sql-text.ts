/** Apart from the driver, so that who only composes SQL does not load it. */

/** A text as SQL writes it. */
export function literal(text: string): string {
  const quoted = (part: string): string => `'${part.replaceAll("'", "''")}'`
  return text.includes('\0') ? `(${text.split('\0').map(quoted).join(' || chr(0) || ')})` : quoted(text)
}

/** A name as SQL writes it. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
