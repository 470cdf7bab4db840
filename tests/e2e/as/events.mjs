// Makes security event tokens (RFC 8417) with the members that Okta's documentation shows, and pushes them (RFC 8935). It
// shares no code with okta-verifier: jose signs, and fetch sends.
import { randomUUID } from 'node:crypto';
import { generateKeyPair, importJWK, SignJWT } from 'jose';

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/';

// The event happened now; `user` is the Okta user ID, as in the claim `uid` of access tokens. `wrong` names what is wrong.
async function securityEvent(org, { event, user, audience, wrong }) {
  const key = org.keys.find(({ alg }) => alg === 'RS256');
  const payload = {
    events: {
      [`${CAEP}${event}`]: {
        event_timestamp: Date.now(), // in milliseconds
        initiating_entity: 'admin',
        reason_admin: { en: 'USER_SESSION_END' },
        ...(event === 'credential-change' && { credential_type: 'password', change_type: 'update' }),
        subject: { format: 'iss_sub', iss: org.issuer, sub: user },
      },
    },
  };
  const signer = wrong === 'key' ? (await generateKeyPair('RS256')).privateKey : await importJWK(key, 'RS256');
  const token = await new SignJWT(payload)
    .setProtectedHeader({ kid: key.kid, typ: wrong === 'typ' ? 'at+jwt' : 'secevent+jwt', alg: 'RS256' })
    .setIssuer(wrong === 'issuer' ? 'https://umbrella.okta.test' : org.issuer)
    .setAudience(wrong === 'audience' ? 'https://other-receiver.test' : audience)
    .setJti(randomUUID())
    .setIssuedAt()
    .sign(signer);
  return wrong === 'truncated' ? token.slice(0, -41) : token; // to a length that base64url never has
}

// Pushes an event, or `token` instead of one. Returns the response of the receiver.
export async function push(org, { url, authorization, token, ...about }) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/secevent+jwt', accept: 'application/json', authorization },
    body: token ?? (await securityEvent(org, about)),
  });
  return { status: response.status, body: await response.text() };
}
