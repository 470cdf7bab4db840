// Moves the clock of this process forward: a freshness of up to an hour ends at once. The libraries
// read it as Date, performance.now or process.hrtime; each is replaced before they are loaded. Timers
// keep real time.
let ahead = 0

export function putForward(milliseconds) {
  ahead += milliseconds
}

const now = Date.now
Date.now = () => now() + ahead
globalThis.Date = new Proxy(Date, {
  construct: (date, given, as) => Reflect.construct(date, given.length ? given : [date.now()], as),
})

const sinceStart = performance.now.bind(performance)
performance.now = () => sinceStart() + ahead

const { hrtime } = process
const bigint = () => hrtime.bigint() + BigInt(ahead) * 1_000_000n
process.hrtime = Object.assign(before => {
  const [seconds, nanoseconds] = hrtime(before)
  return [seconds + (before ? 0 : Math.floor(ahead / 1_000)), nanoseconds]
}, { bigint })
