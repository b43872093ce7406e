/**
 * A document as a tree of elements, whoever wrote it: depth, number of elements and their attributes are bounded while it is
 * read. Entities that a document defines are not expanded (the parser knows the five of XML alone), a document type is
 * refused, nothing is fetched. Names lose their namespace prefix; elements of other namespaces are kept, with their prefix.
 */
import { SaxesParser } from 'saxes'
import { Problem } from '../../errors.ts'

/** Depth of elements: readers walk the tree recursively. */
const DEPTH_MAX = 600
const ELEMENTS_MAX = 8_000_000

export interface Element {
  readonly name: string
  /** Name, value, name, value… */
  readonly attributes: readonly string[]
  readonly children: readonly Element[]
  /** What stands in it outside of other elements. */
  readonly text: string
  readonly line: number
}

interface OpenElement extends Element {
  readonly children: Element[]
  text: string
}

const NO_CHILDREN: Element[] = []

/** The root element. Throws `invalid` for what is no well-formed XML, and for what is too large to be a model. */
export function readXml(bytes: Uint8Array): Element {
  const parser = new SaxesParser({ xmlns: false, position: true })
  const open: OpenElement[] = []
  let root: Element | undefined
  let elements = 0
  parser.on('error', error => {
    throw refusal(`it is not well-formed XML (${error.message.replace(/\.$/, '')})`)
  })
  parser.on('doctype', () => {
    throw refusal('it has a document type declaration (<!DOCTYPE …>), which PMML does not need; remove it')
  })
  parser.on('opentag', tag => {
    if (open.length >= DEPTH_MAX) throw refusal(`its elements are nested deeper than ${DEPTH_MAX}`)
    if (++elements > ELEMENTS_MAX) throw refusal(`it has more than ${ELEMENTS_MAX} elements`)
    const attributes: string[] = []
    for (const [name, value] of Object.entries(tag.attributes)) attributes.push(name, value as unknown as string)
    const element = { name: localName(tag.name), attributes, children: NO_CHILDREN, text: '', line: parser.line }
    const parent = open.at(-1)
    if (parent === undefined) root = element
    else adopt(parent, element)
    open.push(element)
  })
  parser.on('text', text => {
    const element = open.at(-1)
    if (element !== undefined && (element.text !== '' || text.trim() !== '')) element.text += text
  })
  parser.on('cdata', text => {
    const element = open.at(-1)
    if (element !== undefined) element.text += text
  })
  parser.on('closetag', () => {
    open.pop()
  })
  parser.write(decode(bytes)).close()
  if (root === undefined) throw refusal('it is empty')
  return root
}

function adopt(parent: OpenElement, element: Element): void {
  // Leaves are many: they share one empty list until they have a child.
  if (parent.children === NO_CHILDREN) (parent as { children: Element[] }).children = [element]
  else parent.children.push(element)
}

/** `ns:PMML` is `PMML`; but cells of tables, whose prefix is a convention of JPMML, too. */
export function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}

function decode(bytes: Uint8Array): string {
  const label = encodingOf(bytes)
  try {
    return new TextDecoder(label, { fatal: true }).decode(bytes)
  } catch {
    throw refusal(`it is not text in the encoding ${label}`)
  }
}

function encodingOf(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  const head = String.fromCharCode(...bytes.subarray(0, 200))
  return /^[^<]{0,3}<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']/.exec(head)?.[1] ?? 'utf-8'
}

/** What every refusal of a document says first. */
export function refusal(why: string): Problem {
  return new Problem('invalid', `Cannot load the PMML document: ${why}`)
}

/** A refusal that says where. */
export function refuseAt(element: Element, why: string): Problem {
  return refusal(`${why} (<${element.name}>, line ${element.line})`)
}

export function attribute(element: Element, name: string): string | undefined {
  const { attributes } = element
  for (let index = 0; index < attributes.length; index += 2)
    if (attributes[index] === name) return attributes[index + 1]
  return undefined
}

export function requiredAttribute(element: Element, name: string): string {
  const value = attribute(element, name)
  if (value === undefined) throw refuseAt(element, `the attribute ${name} is missing`)
  return value
}

/** A finite number. */
export function numberAttribute(element: Element, name: string): number | undefined {
  const text = attribute(element, name)
  if (text === undefined) return undefined
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!Number.isFinite(value))
    throw refuseAt(element, `the attribute ${name} is ${JSON.stringify(text)}, wanted a number`)
  return value
}

export function requiredNumber(element: Element, name: string): number {
  requiredAttribute(element, name)
  return numberAttribute(element, name)!
}

/** One of the words, or a refusal that lists them. */
export function wordAttribute<Word extends string>(
  element: Element,
  name: string,
  words: readonly Word[],
  otherwise?: Word,
): Word {
  const text = otherwise === undefined ? requiredAttribute(element, name) : (attribute(element, name) ?? otherwise)
  const word = words.find(known => known === text)
  if (word === undefined) {
    throw refuseAt(element, `${name}=${JSON.stringify(text)} is not supported; supported are ${words.join(', ')}`)
  }
  return word
}

export function childrenOf(element: Element | undefined, name: string): readonly Element[] {
  return element === undefined ? NO_CHILDREN : element.children.filter(child => child.name === name)
}

export function childOf(element: Element, name: string): Element | undefined {
  return element.children.find(child => child.name === name)
}

export function requiredChild(element: Element, name: string): Element {
  const child = childOf(element, name)
  if (child === undefined) throw refuseAt(element, `it has no ${name}`)
  return child
}
