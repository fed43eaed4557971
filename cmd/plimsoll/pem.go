package main

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"io"
	"os"
)

// maxPEM bounds a file of certificates or of a key, octets.
const maxPEM = 4 << 20

// readPEM reads the blocks of a PEM file.
func readPEM(name string) (blocks []*pem.Block, err error) {
	data, err := readFile(name, maxPEM)
	if err != nil {
		return nil, err
	}
	for {
		var b *pem.Block
		if b, data = pem.Decode(data); b == nil {
			return blocks, nil
		}
		blocks = append(blocks, b)
	}
}

// readFile reads a file of at most limit octets.
func readFile(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, limit, &fault{key: "error.large", args: []any{"name", name, "limit", uint64(limit)}})
}

// readAll reads at most limit octets, or fails with tooLarge. How many there are is not asked before: pipes and devices
// do not say.
func readAll(r io.Reader, limit int64, tooLarge error) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, tooLarge
	}
	return data, err
}

// readInput reads a file of at most limit octets, or standard input, whose name is -.
func (e env) readInput(name string, limit int64) ([]byte, error) {
	if name != "-" {
		return readFile(name, limit)
	}
	return readAll(e.in, limit, &fault{key: "error.mud.stdin", args: []any{"limit", uint64(limit)}})
}

// readCertificates reads the certificates of a PEM file, of which there must be one at least.
func readCertificates(name string) (list []*x509.Certificate, err error) {
	blocks, err := readPEM(name)
	if err != nil {
		return nil, err
	}
	for _, b := range blocks {
		if b.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return nil, &fault{key: "error.certificate", args: []any{"name", name, "cause", err.Error()}}
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		return nil, &fault{key: "error.certificate.none", args: []any{"name", name}}
	}
	return list, nil
}

// readKey reads the private key of a PEM file.
func readKey(name string) (crypto.Signer, error) {
	blocks, err := readPEM(name)
	if err != nil {
		return nil, err
	}
	for _, b := range blocks {
		var key any
		switch b.Type {
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(b.Bytes)
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(b.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(b.Bytes)
		default: // such as EC PARAMETERS
			continue
		}
		if err != nil {
			return nil, &fault{key: "error.key", args: []any{"name", name, "cause", err.Error()}}
		}
		if signer, ok := key.(crypto.Signer); ok {
			return signer, nil
		}
	}
	return nil, &fault{key: "error.key.none", args: []any{"name", name}}
}
