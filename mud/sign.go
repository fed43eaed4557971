package mud

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/smallstep/pkcs7"
)

// Sign makes the signature file of a MUD file: the DER of a detached CMS over its octets, with the signer's certificate
// and the intermediates inside (RFC 8520 §13.1). The key is RSA of 2048 bits or more, or ECDSA; the certificate must be
// for digital signatures. The time of signing is that of the clock, and must be within the certificate's.
func Sign(file []byte, signer *x509.Certificate, key crypto.Signer, intermediates []*x509.Certificate) ([]byte, error) {
	if err := fits(signer, key); err != nil {
		return nil, fmt.Errorf("sign MUD file: %w", err)
	}
	sd, err := pkcs7.NewSignedData(file)
	if err != nil {
		return nil, fmt.Errorf("sign MUD file: %w", err)
	}
	sd.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	if err := sd.AddSigner(signer, key, pkcs7.SignerInfoConfig{}); err != nil {
		return nil, fmt.Errorf("sign MUD file: %w", err)
	}
	for _, c := range intermediates {
		sd.AddCertificate(c)
	}
	sd.Detach()
	der, err := sd.Finish()
	if err != nil {
		return nil, fmt.Errorf("sign MUD file: %w", err)
	}
	return der, nil
}

// fits refuses what VerifySignature would.
func fits(signer *x509.Certificate, key crypto.Signer) error {
	if signer.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return errors.New("the certificate is not for digital signatures: its key usage must have digitalSignature (RFC 8520 §13.2)")
	}
	switch key.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey:
	default:
		return fmt.Errorf("the key is a %T, and must be RSA or ECDSA", key)
	}
	public, ok := signer.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(key.Public()) {
		return errors.New("the key is not that of the certificate")
	}
	return sound(pkcs7.OIDDigestAlgorithmSHA256, signer)
}
