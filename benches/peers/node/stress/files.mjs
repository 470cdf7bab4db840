// Creates once what every issuer needs: a directory with a certificate for 127.0.0.1 and two signing keys.
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export function makeFiles() {
  const folder = mkdtempSync(join(tmpdir(), 'stress-'))
  for (const name of ['first.key', 'second.key']) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const pem = privateKey.export({ format: 'pem', type: 'pkcs8' })
    writeFileSync(join(folder, name), pem, { mode: 0o600 })
  }
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const whose = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
  const files = ['-keyout', 'tls.key', '-out', 'tls.crt']
  const given = { cwd: folder, stdio: 'pipe' }
  execFileSync('openssl', ['req', '-x509', ...newKey, ...whose, ...files], given)
  return folder
}
