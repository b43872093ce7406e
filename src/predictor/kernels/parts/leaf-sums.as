/** Rows that are worked on at once. */
export const ROWS: usize = 64
/** Where the first column of bytes begins. */
export const COLUMNS: usize = 64

/**
 * Adds a tree's leaves to the sums of 64 rows, in the precision of the sums: `table` holds what each leaf is worth, `leaves`
 * the number of each row's. `I`: u8 or u32, `T`: f32 or f64.
 */
@inline
export function addLeaves<I, T>(leaves: usize, table: usize, sums: usize): void {
  for (let row: usize = 0; row < ROWS; row += 4) {
    const at = leaves + row * sizeof<I>()
    const one = table + <usize>load<I>(at) * sizeof<T>()
    const two = table + <usize>load<I>(at, sizeof<I>()) * sizeof<T>()
    const three = table + <usize>load<I>(at, 2 * sizeof<I>()) * sizeof<T>()
    const four = table + <usize>load<I>(at, 3 * sizeof<I>()) * sizeof<T>()
    const sum = sums + row * sizeof<T>()
    if (sizeof<T>() == 4) {
      let worth = v128.load32_zero(one)
      worth = v128.load_lane<u32>(two, worth, 1)
      worth = v128.load_lane<u32>(three, worth, 2)
      worth = v128.load_lane<u32>(four, worth, 3)
      v128.store(sum, f32x4.add(v128.load(sum), worth))
    } else {
      const low = v128.load_lane<u64>(two, v128.load64_zero(one), 1)
      const high = v128.load_lane<u64>(four, v128.load64_zero(three), 1)
      v128.store(sum, f64x2.add(v128.load(sum), low))
      v128.store(sum, f64x2.add(v128.load(sum, 16), high), 16)
    }
  }
}

/** A tree adds to one output, or to each: `adds` are its pairs of addresses, of a table and of sums. */
@inline
export function addTree<I>(leaves: usize, adds: usize, addsEnd: usize, double: bool): void {
  for (let add = adds; add < addsEnd; add += 8) {
    const table = <usize>load<u32>(add)
    const sums = <usize>load<u32>(add, 4)
    if (double) addLeaves<I, f64>(leaves, table, sums)
    else addLeaves<I, f32>(leaves, table, sums)
  }
}
