// Measures the same as kit/src/measure.rs, crowd.rs and flood.rs, in the same units.
import { setTimeout as sleep } from 'node:timers/promises'

// CPU time of the whole process, because some verify on a thread pool: the median of batches of about
// a millisecond. A verifier that returns synchronously is not awaited.
export async function cost(verify, token, millis) {
  const awaited = verify(token) instanceof Promise
  const repeat = async count => {
    for (let i = 0; i < count; i++) {
      if (awaited) await verify(token)
      else verify(token)
    }
  }
  const warmUp = Math.max(millis / 4, 50)
  const began = performance.now()
  const before = cpu()
  let calls = 0
  while (performance.now() - began < warmUp) {
    await repeat(8)
    calls += 8
  }
  const one = (cpu() - before) / calls
  const batch = Math.max(Math.floor(1e6 / one), 1)
  const times = []
  const start = cpu()
  while (cpu() - start < millis * 1e6 || times.length < 5) {
    const clock = cpu()
    await repeat(batch)
    times.push((cpu() - clock) / batch)
  }
  return { ns: percentile(times, 0.5), allocations: null }
}

export async function check(verify, token, patience) {
  const began = performance.now()
  for (;;) {
    if (await accepts(verify, token)) return { accepted: true }
    if (performance.now() - began >= patience) return { accepted: false }
    await sleep(10)
  }
}

export async function burst(verify, tokens, callers) {
  const shares = tokens.map(() => ({ accepted: 0, times: [] }))
  const began = performance.now()
  const call = async caller => {
    const which = caller % tokens.length
    if (await accepts(verify, tokens[which])) shares[which].accepted++
    shares[which].times.push(performance.now() - began)
  }
  await Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)))
  return {
    tokens: shares.map(({ accepted, times }) => ({
      callers: times.length,
      accepted,
      p99_ms: percentile(times, 0.99),
    })),
  }
}

export async function each(verify, tokens, millis) {
  const began = performance.now()
  const times = []
  let accepted = 0
  for (const token of tokens) {
    if (performance.now() - began > millis) break
    const clock = performance.now()
    if (await accepts(verify, token)) accepted++
    times.push((performance.now() - clock) * 1e3)
  }
  return { tried: times.length, accepted, median_us: percentile(times, 0.5) }
}

export async function beside(verify, token, flood, millis) {
  const honest = async () => {
    const began = performance.now()
    const times = []
    while (performance.now() - began < millis) {
      await sleep(1)
      const clock = performance.now()
      await accepts(verify, token)
      times.push((performance.now() - clock) * 1e3)
    }
    return percentile(times, 0.99)
  }
  const quiet_p99_us = await honest()
  let over = false
  const flooding = (async () => {
    for (let i = 0; !over; i++) {
      await accepts(verify, flood[i % flood.length])
      // A connection would also yield between two requests.
      await new Promise(setImmediate)
    }
  })()
  const flooded_p99_us = await honest()
  over = true
  await flooding
  return { quiet_p99_us, flooded_p99_us }
}

async function accepts(verify, token) {
  try {
    await verify(token)
    return true
  } catch {
    return false
  }
}

function cpu() {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1e3
}

function percentile(values, share) {
  values.sort((one, other) => one - other)
  return values[Math.min(Math.max(Math.ceil(values.length * share) - 1, 0), values.length - 1)] ?? 0
}
