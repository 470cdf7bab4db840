// An API on go-oidc, as its README sets it up. `/health` is open, any other path needs a token.
//
// With the argument `measure`, it prints the cost of a warm verification, and that of the bare signature, as one line of
// JSON.
package main

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/coreos/go-oidc/v3/oidc"
)

func main() {
	ctx := context.Background()
	provider, err := oidc.NewProvider(ctx, os.Getenv("ISSUER"))
	if err != nil {
		log.Fatal(err)
	}
	// The audience of an access token is the API, which go-oidc calls the client.
	verifier := provider.Verifier(&oidc.Config{ClientID: os.Getenv("AUDIENCE")})
	verify := func(token string) error {
		_, err := verifier.Verify(ctx, token)
		return err
	}
	if len(os.Args) > 1 && os.Args[1] == "measure" {
		measure(verify)
	} else {
		serve(verify)
	}
}

func serve(verify func(string) error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on %d\n", listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health" {
			scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			if !strings.EqualFold(scheme, "Bearer") || verify(strings.Trim(token, " ")) != nil {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
		}
		fmt.Fprint(w, "ok")
	})))
}

type round struct {
	Verify float64 `json:"verify"`
	Raw    float64 `json:"raw"`
}

func measure(verify func(string) error) {
	token := os.Getenv("TOKEN")
	var jwk struct{ N, E string }
	must(json.Unmarshal([]byte(os.Getenv("JWK")), &jwk))
	key := &rsa.PublicKey{
		N: new(big.Int).SetBytes(decode(jwk.N)),
		E: int(new(big.Int).SetBytes(decode(jwk.E)).Int64()),
	}
	at := strings.LastIndexByte(token, '.')
	signed, signature := []byte(token[:at]), decode(token[at+1:])
	raw := func() error {
		hash := sha256.Sum256(signed)
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, hash[:], signature)
	}
	one := func() error { return verify(token) }
	var rounds []round
	for range 40 {
		rounds = append(rounds, round{Verify: cost(one), Raw: cost(raw)})
	}
	line, err := json.Marshal(map[string]any{"rounds": rounds[5:]})
	must(err)
	fmt.Println(string(line))
}

func cost(work func() error) float64 {
	const calls = 200
	before := cpu()
	for range calls {
		must(work())
	}
	return float64(cpu()-before) / calls
}

func cpu() int64 {
	var usage syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func decode(text string) []byte {
	bytes, err := base64.RawURLEncoding.DecodeString(text)
	must(err)
	return bytes
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
