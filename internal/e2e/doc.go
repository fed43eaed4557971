// Package e2e tries Plimsoll's pages in a real browser: Chromium, driven over its debugging protocol, with axe-core as
// the judge of accessibility. It is a module of its own, so that the browser's driver stays out of the program's
// dependencies, and holds nothing but tests:
//
//	cd internal/e2e && go test -mod=mod ./...
//
// They are skipped where there is no Chromium; on Debian, apt-get install chromium brings it. With PLIMSOLL_SHOTS set to
// a folder, they leave pictures of the pages there. The pictures of the README are taken by -run TestPictures -update.
package e2e
