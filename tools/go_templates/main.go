// Renders templates with the real text/template and sprig, for the golden corpus and the differential fuzz.
//
// Reads one JSON object a line: {"template": text, "kind": "webhook" or "json", "data": any}; writes one a line:
// {"output": base64} or {"error": text}. Functions are those of sprig's TxtFuncMap, as the original handler has
// them; only `now` stands still.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
)

// NodeMetadata has the fields and JSON names of the original's ec2metadata.NodeMetadata.
type NodeMetadata struct {
	AccountId         string `json:"accountId"`
	InstanceID        string `json:"instanceId"`
	InstanceLifeCycle string `json:"instanceLifeCycle"`
	InstanceType      string `json:"instanceType"`
	PublicHostname    string `json:"publicHostname"`
	PublicIP          string `json:"publicIp"`
	LocalHostname     string `json:"localHostname"`
	LocalIP           string `json:"privateIp"`
	AvailabilityZone  string `json:"availabilityZone"`
	Region            string `json:"region"`
}

// InterruptionEvent has the data fields of the original's monitor.InterruptionEvent.
type InterruptionEvent struct {
	EventID              string
	Kind                 string
	Monitor              string
	Description          string
	State                string
	AutoScalingGroupName string
	NodeName             string
	NodeLabels           map[string]string
	Pods                 []string
	InstanceID           string
	ProviderID           string
	InstanceType         string
	IsManaged            bool
	StartTime            time.Time
	EndTime              time.Time
	NodeProcessed        bool
	InProgress           bool
}

type combinedDrainData struct {
	NodeMetadata
	InterruptionEvent
	InstanceID   string
	InstanceType string
}

type request struct {
	Template string          `json:"template"`
	Kind     string          `json:"kind"`
	Data     json.RawMessage `json:"data"`
}

type webhookData struct {
	Metadata NodeMetadata
	Event    InterruptionEvent
}

func functions() template.FuncMap {
	all := sprig.TxtFuncMap()
	all["now"] = func() time.Time { return time.Unix(1795336200, 250000000).UTC() }
	return all
}

func dataOf(r request) (any, error) {
	if r.Kind != "webhook" {
		var data any
		err := json.Unmarshal(r.Data, &data)
		return data, err
	}
	var w webhookData
	if err := json.Unmarshal(r.Data, &w); err != nil {
		return nil, err
	}
	data := combinedDrainData{NodeMetadata: w.Metadata, InterruptionEvent: w.Event}
	data.InstanceID, data.InstanceType = w.Metadata.InstanceID, w.Metadata.InstanceType
	if w.Event.InstanceID != "" {
		data.InstanceID = w.Event.InstanceID
	}
	if w.Event.InstanceType != "" {
		data.InstanceType = w.Event.InstanceType
	}
	return data, nil
}

func render(line []byte) (output []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		return nil, err
	}
	data, err := dataOf(r)
	if err != nil {
		return nil, err
	}
	t, err := template.New("webhook").Funcs(functions()).Parse(r.Template)
	if err != nil {
		return nil, err
	}
	var buffer bytes.Buffer
	err = t.Execute(&buffer, data)
	return buffer.Bytes(), err
}

func main() {
	time.Local = time.UTC
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		output, err := render(in.Bytes())
		answer := map[string]any{"output": output}
		if err != nil {
			answer = map[string]any{"error": err.Error()}
		}
		if err := out.Encode(answer); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if err := in.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
