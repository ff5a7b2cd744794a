// Package keyfile reads and writes the small files that a cluster's identity is made of: certificates, keys, secrets.
//
// Files are bounded (64 KiB, regular files only); private ones must be closed to other users. Files are written whole or not
// at all, with mode 0600. No error quotes what a private file holds.
package keyfile
