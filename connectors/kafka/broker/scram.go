package broker

import (
	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"
)

// conversation is one login by SCRAM (RFC 5802), in the form that sarama asks for.
type conversation struct {
	hash scram.HashGeneratorFcn
	*scram.ClientConversation
}

func conversation256() sarama.SCRAMClient { return &conversation{hash: scram.SHA256} }
func conversation512() sarama.SCRAMClient { return &conversation{hash: scram.SHA512} }

// Begin prepares the login of a user.
func (c *conversation) Begin(user, password, authorization string) error {
	client, err := c.hash.NewClient(user, password, authorization)
	if err != nil {
		return err
	}
	c.ClientConversation = client.NewConversation()
	return nil
}
