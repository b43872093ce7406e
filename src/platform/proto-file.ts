/**
 * Reads `.proto` files of the third syntax as far as interfaces of services need it: messages, nested too, maps, oneofs, enums
 * and services. So an interface is written once, in the language in which its callers read it, and messages, descriptors for
 * reflection and documentation are made of it. No options, imports or proto2: the files are our own.
 */

export type Scalar = 'bool' | 'int32' | 'int64' | 'uint32' | 'uint64' | 'float' | 'double' | 'string' | 'bytes'

export interface ProtoField {
  readonly name: string
  readonly number: number
  readonly type: Scalar | ProtoMessage | ProtoEnum
  readonly repeated: boolean
  readonly oneof: string | undefined
}

export interface ProtoMessage {
  readonly kind: 'message'
  readonly name: string
  /** With package and outer messages, separated by dots. */
  readonly fullName: string
  readonly fields: ProtoField[]
  readonly oneofs: string[]
  readonly nested: (ProtoMessage | ProtoEnum)[]
  /** An entry of a map: key and value. */
  readonly isEntry: boolean
}

export interface ProtoEnum {
  readonly kind: 'enum'
  readonly name: string
  readonly fullName: string
  readonly values: { readonly name: string; readonly number: number }[]
}

export interface ProtoMethod {
  readonly name: string
  readonly input: ProtoMessage
  readonly output: ProtoMessage
  readonly inputStream: boolean
  readonly outputStream: boolean
}

export interface ProtoService {
  readonly name: string
  readonly fullName: string
  readonly methods: ProtoMethod[]
}

export interface ProtoFile {
  readonly name: string
  readonly package: string
  readonly types: (ProtoMessage | ProtoEnum)[]
  readonly services: ProtoService[]
  /** By its name below the package; throws where there is none. */
  message(name: string): ProtoMessage
}

const SCALARS: ReadonlySet<string> = new Set<Scalar>([
  ...(['bool', 'int32', 'int64', 'uint32', 'uint64'] as const),
  ...(['float', 'double', 'string', 'bytes'] as const),
])
const TOKENS = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"[^"]*"|[\w.]+|[{}()<>=;,]|\S/g

/** @throws Error, of the programmer, where the text cannot be read. */
export function protoFile(name: string, text: string): ProtoFile {
  const tokens = text.match(TOKENS)?.filter(token => !token.startsWith('//') && !token.startsWith('/*')) ?? []
  const parser = new Parser(name, tokens)
  return parser.file()
}

/** A type that is named before it is known. */
interface Unresolved {
  readonly scope: string
  readonly name: string
  readonly put: (type: ProtoMessage | ProtoEnum) => void
}

class Parser {
  readonly #name: string
  readonly #tokens: readonly string[]
  #at = 0
  #package = ''
  readonly #byName = new Map<string, ProtoMessage | ProtoEnum>()
  readonly #unresolved: Unresolved[] = []

  constructor(name: string, tokens: readonly string[]) {
    this.#name = name
    this.#tokens = tokens
  }

  file(): ProtoFile {
    const types: (ProtoMessage | ProtoEnum)[] = []
    const services: ProtoService[] = []
    while (this.#at < this.#tokens.length) {
      const word = this.#next()
      if (word === 'syntax') this.#statement()
      else if (word === 'package') [this.#package = ''] = this.#statement()
      else if (word === 'message') types.push(this.#message(this.#package))
      else if (word === 'enum') types.push(this.#enum(this.#package))
      else if (word === 'service') services.push(this.#service())
      else this.#fail(`"${word}" was not expected`)
    }
    for (const { scope, name, put } of this.#unresolved) put(this.#resolve(scope, name))
    const message = (name: string): ProtoMessage => {
      const found = this.#byName.get(`${this.#package}.${name}`)
      return found?.kind === 'message' ? found : this.#fail(`there is no message ${name}`)
    }
    return { name: this.#name, package: this.#package, types, services, message }
  }

  #next(wanted?: string): string {
    const token = this.#tokens[this.#at++]
    if (token === undefined || (wanted !== undefined && token !== wanted)) {
      this.#fail(`${token ?? 'the end'} was found where ${wanted ?? 'more'} was wanted`)
    }
    return token!
  }

  #fail(why: string): never {
    throw new Error(`Cannot read ${this.#name}: ${why}, at token ${this.#at}`)
  }

  /** The words until the semicolon. */
  #statement(): string[] {
    const from = this.#at
    while (this.#next() !== ';');
    return this.#tokens.slice(from, this.#at - 1)
  }

  #message(scope: string): ProtoMessage {
    const message = this.#newMessage(scope, this.#next(), false)
    this.#next('{')
    for (let word = this.#next(); word !== '}'; word = this.#next()) {
      if (word === 'message') message.nested.push(this.#message(message.fullName))
      else if (word === 'enum') message.nested.push(this.#enum(message.fullName))
      else if (word === 'reserved') this.#statement()
      else if (word === 'oneof') this.#oneof(message)
      else this.#field(message, word, undefined)
    }
    return message
  }

  #newMessage(scope: string, name: string, isEntry: boolean): ProtoMessage {
    const fullName = `${scope}.${name}`
    const message: ProtoMessage = { kind: 'message', name, fullName, fields: [], oneofs: [], nested: [], isEntry }
    this.#byName.set(fullName, message)
    return message
  }

  #oneof(message: ProtoMessage): void {
    const name = this.#next()
    message.oneofs.push(name)
    this.#next('{')
    for (let word = this.#next(); word !== '}'; word = this.#next()) this.#field(message, word, name)
  }

  #field(message: ProtoMessage, first: string, oneof: string | undefined): void {
    if (first === 'map') {
      this.#map(message)
      return
    }
    const repeated = first === 'repeated'
    const type = repeated ? this.#next() : first
    const name = this.#next()
    this.#add(message, { name, number: this.#number(), repeated, oneof }, type)
  }

  /** A map is a repeated message of keys and values. */
  #map(message: ProtoMessage): void {
    this.#next('<')
    const key = this.#next()
    this.#next(',')
    const value = this.#next()
    this.#next('>')
    const name = this.#next()
    const entry = this.#newMessage(message.fullName, `${capitalised(name)}Entry`, true)
    this.#add(entry, { name: 'key', number: 1, repeated: false, oneof: undefined }, key)
    this.#add(entry, { name: 'value', number: 2, repeated: false, oneof: undefined }, value)
    message.nested.push(entry)
    message.fields.push({ name, number: this.#number(), type: entry, repeated: true, oneof: undefined })
  }

  #add(message: ProtoMessage, field: Omit<ProtoField, 'type'>, type: string): void {
    const at = message.fields.length
    if (SCALARS.has(type)) {
      message.fields.push({ ...field, type: type as Scalar })
      return
    }
    message.fields.push({ ...field, type: 'bytes' })
    const put = (found: ProtoMessage | ProtoEnum): void => {
      message.fields[at] = { ...field, type: found }
    }
    this.#unresolved.push({ scope: message.fullName, name: type, put })
  }

  #number(): number {
    this.#next('=')
    const number = Number(this.#next())
    this.#next(';')
    return number
  }

  #enum(scope: string): ProtoEnum {
    const name = this.#next()
    const values: { name: string; number: number }[] = []
    const found: ProtoEnum = { kind: 'enum', name, fullName: `${scope}.${name}`, values }
    this.#byName.set(found.fullName, found)
    this.#next('{')
    for (let word = this.#next(); word !== '}'; word = this.#next()) values.push({ name: word, number: this.#number() })
    return found
  }

  #service(): ProtoService {
    const name = this.#next()
    const methods: ProtoMethod[] = []
    this.#next('{')
    for (let word = this.#next(); word !== '}'; word = this.#next()) {
      if (word !== 'rpc') this.#fail(`"${word}" was found where rpc was wanted`)
      this.#method(methods)
    }
    return { name, fullName: `${this.#package}.${name}`, methods }
  }

  #method(methods: ProtoMethod[]): void {
    const name = this.#next()
    const input = this.#typed()
    this.#next('returns')
    const output = this.#typed()
    this.#next(';')
    this.#unresolved.push({
      scope: this.#package,
      name: input.type,
      put: found =>
        void methods.push({
          name,
          input: found as ProtoMessage,
          output: this.#resolve(this.#package, output.type) as ProtoMessage,
          inputStream: input.isStream,
          outputStream: output.isStream,
        }),
    })
  }

  #typed(): { readonly type: string; readonly isStream: boolean } {
    this.#next('(')
    const word = this.#next()
    const isStream = word === 'stream'
    const type = isStream ? this.#next() : word
    this.#next(')')
    return { type, isStream }
  }

  /** From the innermost scope outwards, as protoc does. */
  #resolve(scope: string, name: string): ProtoMessage | ProtoEnum {
    for (let within = scope; ; within = within.slice(0, within.lastIndexOf('.'))) {
      const found = this.#byName.get(`${within}.${name}`)
      if (found !== undefined) return found
      if (!within.includes('.')) break
    }
    return this.#byName.get(name) ?? this.#fail(`there is no type ${name}`)
  }
}

/** As protoc names the entries of a map: `raw_name` is `RawName`. */
function capitalised(name: string): string {
  return name.replace(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
