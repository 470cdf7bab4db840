//! Entry points of the fuzz targets `proof` and `htu`.

use std::sync::{LazyLock, OnceLock};

use base64::Engine;

use super::{
    external_url::{External, Place},
    htu::{Htu, target_path},
    judge::{Expected, Holder, Window, judge},
    key_cache::ProofKeys,
};
use crate::token::BASE64URL;

/// Verifies a proof for the request of RFC 9449 §7.1, figures 12 and 13.
pub fn proof(data: &[u8]) {
    let (Ok(external), Ok(jkt)) = (
        External::base("https://resource.example.org"),
        BASE64URL.decode("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"),
    ) else {
        return;
    };
    let (Ok(jkt), Some(keys)) = (jkt.try_into(), &*KEYS) else {
        return;
    };
    let expected = Expected {
        method: "GET",
        place: Place {
            target: "/protectedresource",
            ..Place::default()
        },
        external: &external,
        token: b"Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU",
        holder: Holder {
            jkt: &jkt,
            token_hash: &OnceLock::new(),
        },
        window: Window {
            past: 60,
            future: 30,
        },
        nonces: None,
        keys,
    };
    if let Ok(used) = judge(data, &expected, 1_562_262_618) {
        assert_eq!(
            used.until,
            1_562_262_618 + 60,
            "only the client has the key"
        );
    }
}

/// Checks that the normal form of a normal form is the same.
pub fn htu(data: &[u8]) {
    let Ok(uri) = std::str::from_utf8(data) else {
        return;
    };
    if let Some(htu) = Htu::parse(uri) {
        let normal = format!("{}{}", htu.origin, htu.path);
        assert_eq!(Htu::parse(&normal).as_ref(), Some(&htu), "{normal}");
        assert_eq!(target_path(&normal).as_ref(), Some(&htu.path), "{normal}");
    }
    if let Some(path) = target_path(uri) {
        assert!(path.starts_with('/'), "{path}");
        assert_eq!(target_path(&path).as_ref(), Some(&path));
    }
}

/// Kept from input to input, as from proof to proof.
static KEYS: LazyLock<Option<ProofKeys>> = LazyLock::new(|| ProofKeys::new().ok());
