// Package secure reads from an endpoint's URL how its connections are encrypted, and says in words why one was refused:
//
//	p := param.Of(e.URL)
//	config, err := secure.TLS(p) // nil if the URL does not ask for TLS
//	…
//	if why := secure.Refusal(err); why != "" { … } // no retry mends that
//
// Parameters, with their defaults:
//
//	tls=false       true: connections are encrypted, and the server has to prove that it is the host of the URL
//	ca=             file with the certificates (PEM) of the authorities to trust; default: those of the system
//	cert=, key=     files with the certificate and the key (PEM) that we show who we are with; both or none
//	server_name=    the name that the server's certificate must be for; default: the host that is dialled
//
// There is no way to switch the verification off: a connection to whoever answers is not a secure one. Versions older than TLS 1.2
// are refused. Files are read once, when the endpoint opens.
package secure
