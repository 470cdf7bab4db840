//! Certificates: hash, outer form and `Client-Cert`.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    crypto::sha256,
    mtls::{ClientCertificate, decode, thumbprint},
};

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let header = match length {
        0..=127 => vec![tag, length as u8],
        128..=255 => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [header, content.to_vec()].concat()
}

/// Returns the outer form of a certificate.
fn certificate(size: usize) -> Vec<u8> {
    let parts = [
        element(0x30, &vec![7; size]),
        element(0x30, &[]),
        element(0x03, &[0]),
    ];
    element(0x30, &parts.concat())
}

// conformance 183
#[test]
fn certificate_hash_is_over_the_whole_certificate() {
    for size in [0, 100, 118, 119, 200, 1000] {
        let der = certificate(size);
        assert_eq!(thumbprint(&der), Some(sha256(&der)), "{size}");
        assert_eq!(ClientCertificate::new(&der).der(), der);
    }
}

// conformance 184
#[test]
fn certificate_of_invalid_der_is_rejected() {
    let good = certificate(200);
    for cut in 0..good.len() {
        assert_eq!(thumbprint(&good[..cut]), None, "{cut}");
    }
    assert_eq!(thumbprint(&[&good[..], &[0]].concat()), None);
    let parts = [element(0x30, &[]), element(0x30, &[]), element(0x03, &[0])];
    for bad in [
        Vec::new(),
        vec![0x30],
        vec![0x30, 0x80, 0, 0], // indefinite length
        vec![0x30, 0x81, 0x00], // not the shortest form
        vec![0x30, 0x84, 0, 0, 0, 0],
        vec![0x30, 0xFF],
        element(0x31, &parts.concat()),
        element(0x30, &parts[..2].concat()),
        element(0x30, &[parts.concat(), vec![5, 0]].concat()),
        element(0x30, &[&parts[0][..], &parts[2], &parts[1]].concat()),
        b"-----BEGIN CERTIFICATE-----".to_vec(),
    ] {
        assert_eq!(thumbprint(&bad), None, "{bad:02x?}");
    }
}

// X.690 §10.1
#[test]
fn certificate_with_an_overlong_length_is_rejected() {
    let spelled = |size, header: usize, length: &[u8]| {
        let der = certificate(size);
        assert!(thumbprint(&der).is_some());
        let content = &der[header..];
        thumbprint(&[&[0x30], length, content].concat())
    };
    assert_eq!(spelled(120, 2, &[0x7F]), Some(sha256(&certificate(120))));
    for (size, header, length) in [
        (0, 2, &[0x81, 7][..]),
        (120, 2, &[0x81, 0x7F]),
        (120, 2, &[0x82, 0, 0x7F]),
        (121, 3, &[0x82, 0, 0x80]),
        (1000, 4, &[0x83, 0, 3, 0xF3]),
    ] {
        assert_eq!(spelled(size, header, length), None, "{length:02x?}");
    }
}

// conformance 184
#[test]
fn client_cert_is_one_byte_sequence() {
    let der = certificate(200);
    let base64 = STANDARD.encode(&der);
    let good = format!(":{base64}:");
    assert_eq!(decode(good.as_bytes()), Some(der));
    let largest = format!(":{}:", "A".repeat(16 * 1024));
    assert_eq!(decode(largest.as_bytes()), Some(vec![0; 12 * 1024]));
    for value in [
        String::new(),
        ":".to_owned(),
        base64.clone(),
        format!(":{base64}"),
        format!("{base64}:"),
        format!("{good}, {good}"),
        format!("{good},{good}"),
        format!("{good};a=1"),
        format!(" {good}"),
        format!(":{base64} :"),
        format!(":{}:", base64.trim_end_matches('=').replace('/', "_")) + "x",
        format!(":{}:", "A".repeat(16 * 1024 + 4)),
        format!("\"{base64}\""),
    ] {
        assert_eq!(decode(value.as_bytes()), None, "{value}");
    }
    assert_eq!(decode(b":\xFF\xFF\xFF\xFF:"), None);
}

#[test]
fn certificate_debug_shows_nothing() {
    let certificate = ClientCertificate::new(certificate(8));
    assert_eq!(format!("{certificate:?}"), "ClientCertificate { .. }");
}
