/** All rules about the source, by what they say. */
import { commands, links, titles } from './documents.ts'
import { packageImports } from './imports-of-packages.ts'
import { barrels, names } from './names.ts'
import { cycles, handedIn, order, purity } from './order.ts'
import { dependencies, licences, registries, systems } from './packages.ts'
import { askedPermissions } from './permissions.ts'
import { namedFiles, reach } from './reach.ts'
import { fileLength, functionLength } from './size.ts'
import type { Rule } from './tree.ts'
import { unfinished } from './unfinished.ts'

export const RULES: Readonly<Record<string, Rule>> = {
  'a file imports from its own folder and from folders before it': order,
  'pure folders import nothing of Node, frameworks stay in one folder': purity,
  'no file reaches itself through its imports': cycles,
  'time, chance and the environment are handed in': handedIn,
  'files are short': fileLength,
  'functions are short': functionLength,
  'names say what is inside': names,
  'no file only hands on what others hold': barrels,
  'no file lies about unused': reach,
  'files named in texts are found once compiled': namedFiles,
  'permissions asked for exist': askedPermissions,
  'nothing is put off or switched off': unfinished,
  'a document has one title': titles,
  'links in documents lead somewhere': links,
  'commands in documents exist': commands,
  'docs/dependencies.md tells what is installed': dependencies,
  'what is installed is imported, and what is imported is installed': packageImports,
  'licences are permissive': licences,
  'the lockfile names no registry': registries,
  'the lockfile is whole on every system': systems,
}
