/**
 * Explanations by tables, a row at a time: its bytes (up to 64) stay in registers, 16 tests take six instructions, and
 * what they let through says which row of a table to add. Chunks come in pairs of 80 bytes: the columns, lows, widths and
 * masks of 2 × 8 tests, then the addresses of two tables; a test is passed where (byte and mask) − low < width, as signed
 * bytes. Masks matter where there are categories.
 */
const PAIR: usize = 80

/** Which tests a row passes, a bit each. A swizzle reads 0 for columns beyond its 16. */
@inline
function answers(pair: usize, row0: v128, row1: v128, row2: v128, row3: v128, vectors: i32, masked: bool): u32 {
  const columns = v128.load(pair)
  let values = i8x16.swizzle(row0, columns)
  if (vectors > 1) values = v128.or(values, i8x16.swizzle(row1, i8x16.sub(columns, i8x16.splat(16))))
  if (vectors > 2) {
    values = v128.or(values, i8x16.swizzle(row2, i8x16.sub(columns, i8x16.splat(32))))
    values = v128.or(values, i8x16.swizzle(row3, i8x16.sub(columns, i8x16.splat(48))))
  }
  return passes(pair, values, masked)
}

@inline
function passes(pair: usize, values: v128, masked: bool): u32 {
  const seen = masked ? v128.and(values, v128.load(pair, 48)) : values
  return i8x16.bitmask(i8x16.gt_s(v128.load(pair, 32), i8x16.sub(seen, v128.load(pair, 16))))
}

/** The same where a row has more bytes than registers hold: 16 loads, of the columns that 16 numbers of 16 bits name. */
function answersFar(pair: usize, bytes: usize, columns: usize): u32 {
  let values = i8x16.splat(0)
  values = v128.load_lane<u8>(bytes + <usize>load<u16>(columns), values, 0)
  values = v128.load_lane<u8>(bytes + <usize>load<u16>(columns, 2), values, 1)
  values = v128.load_lane<u8>(bytes + <usize>load<u16>(columns, 4), values, 2)
  values = v128.load_lane<u8>(bytes + <usize>load<u16>(columns, 6), values, 3)
  values = v128.load_lane<u8>(bytes + <usize>load<u16>(columns, 8), values, 4)
  values = v128.load_lane<u8>(bytes + <usize>load<u16>(columns, 10), values, 5)
  values = v128.load_lane<u8>(bytes + <usize>load<u16>(columns, 12), values, 6)
  values = v128.load_lane<u8>(bytes + <usize>load<u16>(columns, 14), values, 7)
  values = v128.load_lane<u8>(bytes + <usize>load<u16>(columns, 16), values, 8)
  values = v128.load_lane<u8>(bytes + <usize>load<u16>(columns, 18), values, 9)
  values = v128.load_lane<u8>(bytes + <usize>load<u16>(columns, 20), values, 10)
  values = v128.load_lane<u8>(bytes + <usize>load<u16>(columns, 22), values, 11)
  values = v128.load_lane<u8>(bytes + <usize>load<u16>(columns, 24), values, 12)
  values = v128.load_lane<u8>(bytes + <usize>load<u16>(columns, 26), values, 13)
  values = v128.load_lane<u8>(bytes + <usize>load<u16>(columns, 28), values, 14)
  values = v128.load_lane<u8>(bytes + <usize>load<u16>(columns, 30), values, 15)
  return passes(pair, values, true)
}

/** The row of the table of a pair's first or second chunk: 8 numbers of 4 bytes. */
@inline
function first(pair: usize, passed: u32): usize {
  return <usize>load<u32>(pair, 64) + <usize>((passed & 255) << 5)
}

@inline
function second(pair: usize, passed: u32): usize {
  return <usize>load<u32>(pair, 68) + <usize>((passed >> 8) << 5)
}

/** Two rows, since what describes a pair is loaded once for both. */
@inline
function addTwo(bytes: usize, vectors: i32, masked: bool, pairs: usize, end: usize, sums: usize): void {
  const next = bytes + (<usize>vectors << 4)
  const a0 = v128.load(bytes)
  const a1 = vectors > 1 ? v128.load(bytes, 16) : a0
  const a2 = vectors > 2 ? v128.load(bytes, 32) : a0
  const a3 = vectors > 2 ? v128.load(bytes, 48) : a0
  const b0 = v128.load(next)
  const b1 = vectors > 1 ? v128.load(next, 16) : b0
  const b2 = vectors > 2 ? v128.load(next, 32) : b0
  const b3 = vectors > 2 ? v128.load(next, 48) : b0
  let lowA = v128.load(sums)
  let highA = v128.load(sums, 16)
  let lowB = v128.load(sums, 32)
  let highB = v128.load(sums, 48)
  for (let pair = pairs; pair < end; pair += PAIR) {
    const a = answers(pair, a0, a1, a2, a3, vectors, masked)
    const b = answers(pair, b0, b1, b2, b3, vectors, masked)
    const firstA = first(pair, a)
    const firstB = first(pair, b)
    const secondA = second(pair, a)
    const secondB = second(pair, b)
    lowA = f32x4.add(lowA, f32x4.add(v128.load(firstA), v128.load(secondA)))
    highA = f32x4.add(highA, f32x4.add(v128.load(firstA, 16), v128.load(secondA, 16)))
    lowB = f32x4.add(lowB, f32x4.add(v128.load(firstB), v128.load(secondB)))
    highB = f32x4.add(highB, f32x4.add(v128.load(firstB, 16), v128.load(secondB, 16)))
  }
  v128.store(sums, lowA)
  v128.store(sums, highA, 16)
  v128.store(sums, lowB, 32)
  v128.store(sums, highB, 48)
}

@inline
function addRow(bytes: usize, vectors: i32, masked: bool, pairs: usize, end: usize, sums: usize): void {
  const row0 = v128.load(bytes)
  const row1 = vectors > 1 ? v128.load(bytes, 16) : row0
  const row2 = vectors > 2 ? v128.load(bytes, 32) : row0
  const row3 = vectors > 2 ? v128.load(bytes, 48) : row0
  let low = v128.load(sums)
  let high = v128.load(sums, 16)
  for (let pair = pairs; pair < end; pair += PAIR) {
    const passed = answers(pair, row0, row1, row2, row3, vectors, masked)
    const one = first(pair, passed)
    const other = second(pair, passed)
    low = f32x4.add(low, f32x4.add(v128.load(one), v128.load(other)))
    high = f32x4.add(high, f32x4.add(v128.load(one, 16), v128.load(other, 16)))
  }
  v128.store(sums, low)
  v128.store(sums, high, 16)
}

/** At most 8 features, slot i is feature i: adds 8 sums for each row. */
export function addDirect(
  bytes: usize, vectors: i32, masked: bool, rows: i32, pairs: usize, end: usize, sums: usize,
): void {
  for (; rows > 1; rows -= 2) {
    if (vectors == 1 && !masked) addTwo(bytes, 1, false, pairs, end, sums)
    else addTwo(bytes, vectors, true, pairs, end, sums)
    bytes += <usize>vectors << 5
    sums += 64
  }
  if (rows == 1) {
    if (vectors == 1 && !masked) addRow(bytes, 1, false, pairs, end, sums)
    else addRow(bytes, vectors, true, pairs, end, sums)
  }
}

/** The same for one row of more columns than registers hold. `columns` names those of each pair. */
export function addFar(bytes: usize, pairs: usize, end: usize, columns: usize, sums: usize): void {
  let low = v128.load(sums)
  let high = v128.load(sums, 16)
  for (let pair = pairs; pair < end; pair += PAIR) {
    const passed = answersFar(pair, bytes, columns)
    const one = first(pair, passed)
    const other = second(pair, passed)
    low = f32x4.add(low, f32x4.add(v128.load(one), v128.load(other)))
    high = f32x4.add(high, f32x4.add(v128.load(one, 16), v128.load(other, 16)))
    columns += 32
  }
  v128.store(sums, low)
  v128.store(sums, high, 16)
}

@inline
function addSlot(table: usize, place: usize, sums: usize): void {
  const sum = sums + <usize>load<u16>(place)
  store<f32>(sum, load<f32>(sum) + load<f32>(table))
}

@inline
function addSlots(table: usize, places: usize, sums: usize): void {
  addSlot(table, places, sums)
  addSlot(table + 4, places + 2, sums)
  addSlot(table + 8, places + 4, sums)
  addSlot(table + 12, places + 6, sums)
  addSlot(table + 16, places + 8, sums)
  addSlot(table + 20, places + 10, sums)
  addSlot(table + 24, places + 12, sums)
  addSlot(table + 28, places + 14, sums)
}

/** Pairs whose table rows are found before the first is added. */
const AHEAD: usize = 32 * PAIR

/**
 * Any number of features, one row: each slot is added where its place says. The two chunks of a pair have sums of their own,
 * `apart` bytes apart, so that neither waits for the other; they are brought together at the end. Tables are larger than
 * caches: table rows are found, and touched, some dozens ahead, so that many are on their way from memory at once. `found`
 * has room for their addresses. Without `vectors`, `columns` names the columns of each pair.
 */
export function addOne(
  bytes: usize, vectors: i32, pairs: usize, end: usize, places: usize, sums: usize, apart: usize, found: usize,
  columns: usize,
): void {
  const row0 = v128.load(bytes)
  const row1 = vectors > 1 ? v128.load(bytes, 16) : row0
  const row2 = vectors > 2 ? v128.load(bytes, 32) : row0
  const row3 = vectors > 2 ? v128.load(bytes, 48) : row0
  let touched: i32 = 0
  while (pairs < end) {
    const stop = min(end, pairs + AHEAD)
    let at = found
    for (; pairs < stop; pairs += PAIR) {
      const passed =
        vectors > 0 ? answers(pairs, row0, row1, row2, row3, vectors, true) : answersFar(pairs, bytes, columns)
      columns += 32
      const one = first(pairs, passed)
      const other = second(pairs, passed)
      touched |= load<i32>(one) | load<i32>(other)
      store<u32>(at, one)
      store<u32>(at, other, 4)
      at += 8
    }
    for (let address = found; address < at; address += 8) {
      addSlots(<usize>load<u32>(address), places, sums)
      addSlots(<usize>load<u32>(address, 4), places + 16, sums + apart)
      places += 32
    }
  }
  store<i32>(found, touched)
  for (let place: usize = 0; place < apart; place += 16) {
    v128.store(sums + place, f32x4.add(v128.load(sums + place), v128.load(sums + apart + place)))
  }
}
