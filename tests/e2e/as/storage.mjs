// In-memory storage of oidc-provider: one map for all issuers, so that it survives key rotation.
const entries = new Map(); // key → {payload, until}

export class Storage {
  constructor(name) {
    this.name = name;
  }

  key(id) {
    return `${this.name}:${id}`;
  }

  async upsert(id, payload, ttl) {
    entries.set(this.key(id), { payload, until: ttl ? Date.now() + ttl * 1000 : Infinity });
    if (payload.uid) entries.set(`${this.name}:uid:${payload.uid}`, { payload: id, until: Infinity });
  }

  async find(id) {
    const entry = entries.get(this.key(id));
    return entry && entry.until > Date.now() ? entry.payload : undefined;
  }

  async findByUid(uid) {
    const entry = entries.get(`${this.name}:uid:${uid}`);
    return entry && this.find(entry.payload);
  }

  async findByUserCode() {
    return undefined;
  }

  async destroy(id) {
    entries.delete(this.key(id));
  }

  async consume(id) {
    const entry = entries.get(this.key(id));
    if (entry) entry.payload.consumed = Math.floor(Date.now() / 1000);
  }

  async revokeByGrantId(grantId) {
    for (const [key, { payload }] of entries) if (payload?.grantId === grantId) entries.delete(key);
  }
}
