package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"net/http"
	"strings"

	"plimsoll.example/plimsoll/label"
)

// maxLabel bounds a file of a label, octets; maxPicture that of a picture.
const (
	maxLabel   = 64 << 10
	maxPicture = 16 << 20
)

// readLabel reads a label as it is found: a file, the picture of a QR code, or a link. gtin is that of the link, or
// "". With an error, it is that of a link that carries no label.
func (e *env) readLabel(arg string) (envelope *label.Envelope, gtin string, err error) {
	text := arg
	if !isLink(arg) {
		data, err := e.readInput(arg, maxPicture)
		if err != nil {
			return nil, "", err
		}
		switch {
		case isPicture(data):
			if text, err = readCode(data, arg); err != nil {
				return nil, "", err
			}
		case isLink(strings.TrimSpace(string(data[:min(len(data), 16)]))):
			text = strings.TrimSpace(string(data))
		default:
			envelope, err := label.ParseEnvelope(data[:min(len(data), maxLabel)])
			if err != nil {
				return nil, "", &fault{errUnverified, "error.label.unreadable", []any{"name", arg, "cause", err.Error()}}
			}
			return envelope, "", nil
		}
	}
	gtin, data, err := label.ParseLink(text)
	if err == nil {
		envelope, err = label.ParseEnvelope(data)
	}
	if err != nil {
		if data != nil {
			gtin = ""
		}
		return nil, gtin, &fault{errUnverified, "error.label.unreadable", []any{"name", arg, "cause", err.Error()}}
	}
	return envelope, gtin, nil
}

// readSticker reads the text of a sticker (RFC 9238) from a file or a picture.
func (e *env) readSticker(name string) (string, error) {
	data, err := e.readInput(name, maxPicture)
	if err != nil {
		return "", err
	}
	if isPicture(data) {
		return readCode(data, name)
	}
	return string(data[:min(len(data), maxLabel)]), nil
}

func isLink(s string) bool { return strings.HasPrefix(strings.ToLower(s), "https://") }

func isPicture(data []byte) bool { return strings.HasPrefix(http.DetectContentType(data), "image/") }

// readPublicKey reads the public Ed25519 key of a PEM file.
func readPublicKey(name string) (ed25519.PublicKey, error) {
	blocks, err := readPEM(name)
	if err != nil {
		return nil, err
	}
	for _, b := range blocks {
		if b.Type != "PUBLIC KEY" {
			continue
		}
		k, err := x509.ParsePKIXPublicKey(b.Bytes)
		if err != nil {
			return nil, &fault{key: "error.key", args: []any{"name", name, "cause", err.Error()}}
		}
		if public, ok := k.(ed25519.PublicKey); ok {
			return public, nil
		}
	}
	return nil, &fault{key: "error.key.public", args: []any{"name", name}}
}
